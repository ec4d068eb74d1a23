#include "event_file.hpp"

#include <zooid/runtime/clock.hpp>

#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <iterator>
#include <unistd.h>

namespace zooidd {

using namespace zooid;

namespace {

std::string_view name_of(durable_fact::kind what) {
    switch (what) {
    case durable_fact::kind::promise: return "promise";
    case durable_fact::kind::acceptance: return "acceptance";
    case durable_fact::kind::chosen: return "chosen";
    }
    return "unknown";
}

void append(std::string& out, durable_fact const& f, std::int64_t now_ns, server_id server, life_id life) {
    auto const to = std::back_inserter(out);
    fmt::format_to(to, R"({{"boot_ns":{},"server":{},"life":"{}","fact":"{}","cell":"{}","replica":"{}")",
                   now_ns, server.value, to_string(life), name_of(f.what), to_string(f.cell),
                   to_string(f.replica));
    if (f.at) fmt::format_to(to, R"(,"slot":{})", f.at.value);
    if (f.in) {
        fmt::format_to(to, R"(,"ballot":{{"round":{},"server":{},"life":"{}"}})", f.in.round.value,
                       f.in.server.value, to_string(f.in.life));
    }
    if (f.what != durable_fact::kind::promise)
        fmt::format_to(to, R"(,"value_digest":"{}")", to_string(f.value_digest));
    if (f.what == durable_fact::kind::chosen)
        fmt::format_to(to, R"(,"state_digest":"{}")", to_string(f.state_digest));
    out += "}\n";
}

} // namespace

result<std::unique_ptr<event_file>> event_file::open(std::string const& path, server_id server) {
    int const fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    if (fd < 0) return error(errc::io_failed, fmt::format("{}: cannot open: {}", path, std::strerror(errno)));
    return std::unique_ptr<event_file>(new event_file(fd, server));
}

event_file::~event_file() {
    ::close(fd_);
}

void event_file::write(std::vector<durable_fact> const& facts) {
    auto const now = boot_time_now().time_since_epoch().count();
    lines_.clear();
    for (durable_fact const& f : facts)
        append(lines_, f, now, server_, life_);
    for (std::string_view left = lines_; !left.empty() && !failed_;) {
        ssize_t const written = ::write(fd_, left.data(), left.size());
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) failed_ = true;
        if (written > 0) left.remove_prefix(static_cast<std::size_t>(written));
    }
}

} // namespace zooidd
