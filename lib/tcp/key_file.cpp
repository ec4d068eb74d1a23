#include <zooid/tcp/key_file.hpp>

#include <zooid/base/codec.hpp>
#include <zooid/tcp/hmac.hpp>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <fcntl.h>
#include <fmt/format.h>
#include <sstream>
#include <sys/stat.h>
#include <unistd.h>

namespace zooid {

namespace {

constexpr std::size_t file_bytes_max = 4096;

class key_descriptor {
  public:
    explicit key_descriptor(int fd) : fd_(fd) {}
    ~key_descriptor() {
        if (fd_ >= 0) ::close(fd_);
    }
    key_descriptor(key_descriptor const&) = delete;
    key_descriptor& operator=(key_descriptor const&) = delete;
    int get() const { return fd_; }

  private:
    int fd_;
};

error key_file_error(std::string const& path, char const* doing) {
    int const code = errno;
    errc kind = errc::io_failed;
    if (code == ENOENT) kind = errc::not_found;
    if (code == EACCES || code == EPERM) kind = errc::permission_denied;
    if (code == EEXIST) kind = errc::already_exists;
    return error(kind, fmt::format("{}: cannot {}: {}", path, doing, std::strerror(code)));
}

result<std::string> read_private_file(std::string const& path) {
    key_descriptor const file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (file.get() < 0) return key_file_error(path, "open");
    struct stat status {};
    if (::fstat(file.get(), &status) != 0) return key_file_error(path, "stat");
    unsigned const mode = status.st_mode & 07777u;
    if ((mode & 077u) != 0) {
        return error(
            errc::permission_denied,
            fmt::format("{}: mode {:04o} lets others at the keys; it must be 0600 or less", path, mode));
    }
    std::string text(file_bytes_max + 1, '\0');
    ssize_t const got = ::read(file.get(), text.data(), text.size());
    if (got < 0) return key_file_error(path, "read");
    text.resize(static_cast<std::size_t>(got));
    if (text.size() > file_bytes_max)
        return error(errc::invalid_argument, path + ": too long for a key file");
    return text;
}

template <class Number>
bool parse(std::string const& text, Number& out) {
    auto const [end, code] = std::from_chars(text.data(), text.data() + text.size(), out);
    return code == std::errc() && end == text.data() + text.size();
}

bool parse_secret(std::string const& text, secret& out) {
    std::uint64_t words[4];
    if (text.size() != 64 || !parse_hex(text.substr(0, 32), words[0], words[1]) ||
        !parse_hex(text.substr(32), words[2], words[3])) {
        return false;
    }
    for (std::size_t i = 0; i < 32; ++i)
        out[i] = static_cast<char>(words[i / 8] >> (56 - 8 * (i % 8)));
    return true;
}

// One line; says what is wrong with it, or nothing.
std::string_view take_line(std::istringstream& line, bool first, key_ring& ring) {
    std::string word;
    std::string value;
    std::string more;
    line >> word >> value;
    if (first) return word == "zooid-keys" && value == "1" ? "" : "expected \"zooid-keys 1\"";
    if (word == "colony") {
        bool const good = parse_hex(value, ring.colony.high, ring.colony.low);
        return good ? "" : "a colony has 32 hexadecimal digits";
    }
    if (word == "client" || word == "admin") {
        ring.role = word == "admin" ? party_role::admin : party_role::client;
        bool const good = parse(value, ring.principal.value) && ring.principal;
        return good ? "" : "a client or admin has a decimal number above 0";
    }
    if (word != "key") return "expected colony, client, admin or key";
    numbered_key key;
    line >> more;
    if (!parse(value, key.id)) return "a key has a decimal number";
    if (!parse_secret(more, key.value)) return "a key has 64 hexadecimal digits";
    ring.keys.push_back(key);
    return "";
}

} // namespace

result<key_ring> load_key_file(std::string const& path) {
    ZOOID_TRY(std::string const text, read_private_file(path));
    std::istringstream file(text);
    key_ring ring;
    bool first = true;
    std::string line;
    for (int number = 1; std::getline(file, line); ++number) {
        if (line.empty() || line[0] == '#') continue;
        std::istringstream words(line);
        std::string_view wrong = take_line(words, first, ring);
        std::string rest;
        if (wrong.empty() && words >> rest) wrong = "there is more on the line than belongs there";
        if (!wrong.empty())
            return error(errc::invalid_argument, fmt::format("{}:{}: {}", path, number, wrong));
        first = false;
    }
    result<void> const checked = check(ring);
    if (!checked) return error(errc::invalid_argument, fmt::format("{}: {}", path, checked.error().detail()));
    return ring;
}

result<void> save_key_file(std::string const& path, key_ring const& keys) {
    std::string text = "zooid-keys 1\ncolony " + to_string(keys.colony) + "\n";
    if (!keys.for_server()) text += fmt::format("{} {}\n", name_of(keys.role), keys.principal.value);
    for (numbered_key const& key : keys.keys) {
        text += fmt::format("key {} ", key.id);
        for (char c : key.value)
            text += fmt::format("{:02x}", static_cast<unsigned char>(c));
        text += "\n";
    }
    key_descriptor const file(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
    if (file.get() < 0) return key_file_error(path, "create");
    bool const written = ::write(file.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size());
    if (!written || ::fsync(file.get()) != 0) return key_file_error(path, "write");
    return outcome::success();
}

result<key_ring> make_colony_keys() {
    ZOOID_TRY(nonce const id, random_bytes());
    ZOOID_TRY(secret const value, random_bytes());
    key_ring ring;
    ring.colony = reader(bytes_view(id.data(), id.size())).get<colony_id>();
    ring.keys.push_back({1, value});
    return ring;
}

} // namespace zooid
