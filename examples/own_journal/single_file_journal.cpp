#include "single_file_journal.hpp"

#include <zooid/base/codec.hpp>

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <unistd.h>

namespace own {

using namespace zooid;

namespace {

constexpr std::uint64_t magic = 0x656c69662d656e6full; // "one-file"
constexpr std::uint64_t block_bytes = 4096;

bool kept_per_slot(record_kind kind) {
    return kind == record_kind::acceptance || kind == record_kind::value || kind == record_kind::server;
}

std::uint64_t rounded_up(std::uint64_t n) {
    return (n + block_bytes - 1) / block_bytes * block_bytes;
}

error system_error(std::string const& doing) {
    return error(errc::io_failed, "cannot " + doing + ": " + std::strerror(errno));
}

// A new file is there after a loss of power only if its folder was flushed, too.
bool sync_folder_of(std::string const& path) {
    auto const cut = path.rfind('/');
    int const fd =
        ::open(cut == std::string::npos ? "." : path.substr(0, cut + 1).c_str(), O_RDONLY | O_CLOEXEC);
    bool const synced = fd >= 0 && ::fsync(fd) == 0;
    if (fd >= 0) ::close(fd);
    return synced;
}

// A block that can't be read is an error, not the end of the file: what lies behind it was flushed once.
result<bytes> read_all(int fd, std::string const& path) {
    bytes all;
    char part[65536];
    for (;;) {
        ssize_t const n = ::read(fd, part, sizeof part);
        if (n == 0) return all;
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return system_error("read " + path);
        all.append(part, static_cast<std::size_t>(n));
    }
}

} // namespace

result<std::unique_ptr<single_file_journal>> single_file_journal::open(std::string const& path, journal_id id,
                                                                       life_id life) {
    int const fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0) return system_error("open " + path);
    if (!sync_folder_of(path)) return ::close(fd), system_error("flush the folder of " + path);
    std::unique_ptr<single_file_journal> made(new single_file_journal(fd, id, life)); // closes fd
    ZOOID_TRY(bytes const file, read_all(fd, path));
    made->recover(file);
    return made;
}

single_file_journal::single_file_journal(int fd, journal_id id, life_id life) : fd_(fd), life_(life) {
    last_.journal = id;
}
single_file_journal::~single_file_journal() {
    ::close(fd_); // equals a crash: what waits was never promised
}

// ---- recovery: the file as it is, and no repair

void single_file_journal::recover(bytes_view file) {
    records live;
    std::uint64_t bad_from = 0;
    for (std::uint64_t at = 0; at < file.size(); at += block_bytes) {
        if (at < end_ || !take_frame(file, at, live)) continue;
        if (at != bad_from) report_damage(bad_from, at); // a whole frame behind it: that was flushed once
        bad_from = end_;
    }
    recovered_.tail_bytes_cut = file.size() > end_ ? file.size() - end_ : 0;
    recovered_.last = last_;
    bool const suspect = !recovered_.damage.empty();
    recovered_.server_suspect = suspect;
    for (auto& [where, r] : live) {
        if (r.kind == record_kind::server) {
            recovered_.server.push_back(r);
            continue;
        }
        auto& all = recovered_.replicas;
        if (all.empty() || all.back().replica != r.replica)
            all.push_back({r.cell, r.replica, {}, {}, suspect});
        all.back().records.push_back(r);
    }
}

bool single_file_journal::take_frame(bytes_view file, std::uint64_t at, records& live) {
    reader in(file.substr(at));
    bool const ours = in.get<std::uint64_t>() == magic;
    auto const checksum = in.get<std::uint64_t>();
    bytes_view const body = in.get_sized();
    if (!ours || in.failed() || hash64(body) != checksum) return false;
    reader fields(body);
    last_.batch = fields.get<std::uint64_t>();
    fields.get<std::uint64_t>(); // the chain: covered by the checksum, which is the next link
    fields.get(last_.life);
    last_.chain = checksum;
    for (auto n = fields.get<std::uint32_t>(); n > 0 && !fields.failed(); --n) {
        record r;
        fields.get(r.cell), fields.get(r.replica);
        r.kind = static_cast<record_kind>(fields.get<std::uint8_t>());
        fields.get(r.at);
        r.payload = shared_bytes(fields.get_sized());
        take(std::move(r), live);
    }
    end_ = rounded_up(at + 20 + body.size()); // 20: magic, checksum, length
    last_frame_ = file.substr(at, end_ - at);
    return true;
}

void single_file_journal::take(record r, records& live) const {
    auto const drop = [&](record_kind kind, slot through) {
        live.erase(live.lower_bound({r.replica, kind, {}}), live.upper_bound({r.replica, kind, through}));
    };
    if (r.kind == record_kind::forget || r.kind == record_kind::moved) {
        for (int kind = 1; kind <= static_cast<int>(record_kind::moved); ++kind)
            drop(static_cast<record_kind>(kind), {~std::uint64_t{0}});
        if (r.kind == record_kind::forget) return;
    }
    if (r.kind == record_kind::checkpoint)
        drop(record_kind::acceptance, r.at), drop(record_kind::value, r.at);
    key const where{r.replica, r.kind, kept_per_slot(r.kind) ? r.at : slot{}};
    live[where] = std::move(r);
}

// Nobody can tell what was in there: it counts against every replica of this journal.
void single_file_journal::report_damage(std::uint64_t from, std::uint64_t to) {
    journal_damage d;
    d.kind = damage_kind::unattributed;
    d.offset = from, d.size = to - from;
    recovered_.damage.push_back(d);
}

// ---- appends

void single_file_journal::start(journal_listener& listener) {
    listener_ = &listener;
}

void single_file_journal::append(time_point now, std::uint64_t sequence, std::span<record> appended) {
    if (latched_) return;
    writer out(waiting_);
    for (record const& r : appended) {
        out.put(r.cell), out.put(r.replica), out.put(static_cast<std::uint8_t>(r.kind)), out.put(r.at);
        out.put_sized(r.payload.view());
    }
    waiting_records_ += static_cast<std::uint32_t>(appended.size());
    waiting_sequence_ = sequence;
    if (!waiting_since_) waiting_since_ = now;
    ++statistics_.appends;
    statistics_.records += appended.size();
}

void single_file_journal::probe(time_point now) {
    if (!latched_ && !waiting_since_) waiting_since_ = now;
}

void single_file_journal::poll() {
    if (latched_ || !listener_) return;
    if (!secured_) { // J4: what was found may be in the page cache only, and behind it lies what was cut
        // A flush that failed before we came may have left pages that look clean and never reached the disk:
        // the last frame, the only one that no later flush vouches for, is written once more.
        if (::ftruncate(fd_, static_cast<off_t>(end_)) != 0 ||
            !write(last_frame_, end_ - last_frame_.size())) {
            latched_ = true;
            return listener_->failed(system_error("secure the journal"));
        }
        last_frame_.clear();
        secured_ = true;
        listener_->secured();
    }
    if (!waiting_since_) return;
    journal_claim next{last_.journal, life_, last_.batch + 1, 0};
    bytes const written = frame(next);
    next.chain = reader(bytes_view(written).substr(8)).get<std::uint64_t>();
    if (!write(written, end_)) {
        latched_ = true; // J3: after a failed flush nothing is believed any more
        return listener_->failed(system_error("write the journal"));
    }
    last_ = next;
    end_ += written.size();
    waiting_.clear();
    waiting_records_ = 0;
    waiting_since_.reset();
    ++statistics_.batches;
    statistics_.bytes_written += written.size();
    if (waiting_sequence_ != 0) listener_->persisted(waiting_sequence_);
}

bytes single_file_journal::frame(journal_claim const& next) const {
    bytes body;
    writer fields(body);
    fields.put(next.batch), fields.put(last_.chain), fields.put(next.life), fields.put(waiting_records_);
    fields.put_raw(waiting_);
    bytes out;
    writer w(out);
    w.put(magic), w.put(hash64(body)), w.put_sized(body);
    out.resize(rounded_up(out.size()));
    return out;
}

bool single_file_journal::write(bytes_view frame, std::uint64_t at) {
    for (std::size_t done = 0; done < frame.size();) {
        ssize_t const n =
            ::pwrite(fd_, frame.data() + done, frame.size() - done, static_cast<off_t>(at + done));
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return false;
        done += static_cast<std::size_t>(n);
    }
    return ::fdatasync(fd_) == 0;
}

duration single_file_journal::outstanding_age(time_point now) const {
    return waiting_since_ ? now - *waiting_since_ : duration{};
}

claim_verdict single_file_journal::check(journal_claim const& heard) const {
    if (heard.journal != last_.journal) return claim_verdict::foreign;
    if (heard.batch > last_.batch) return claim_verdict::lacking;
    bool const other = heard.batch == last_.batch && heard.chain != last_.chain;
    return other ? claim_verdict::forked : claim_verdict::consistent;
}

} // namespace own
