#include "system.hpp"

#include <arpa/inet.h>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <netinet/tcp.h>
#include <sched.h>
#include <sstream>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/statfs.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

namespace latency {

namespace {

volatile std::sig_atomic_t was_interrupted = 0;

void on_signal(int) {
    was_interrupted = 1;
}

void die_with(pid_t parent) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent) ::_exit(1); // it died before we could ask
}

void redirect(std::string const& path, int to) {
    int const fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd < 0 || ::dup2(fd, to) < 0) ::_exit(127);
}

} // namespace

std::int64_t now_ns() {
    timespec t{};
    ::clock_gettime(CLOCK_MONOTONIC, &t);
    return std::int64_t{t.tv_sec} * 1'000'000'000 + t.tv_nsec;
}

void catch_signals() {
    struct sigaction action {};
    action.sa_handler = on_signal; // without SA_RESTART: blocking calls end with EINTR
    ::sigaction(SIGINT, &action, nullptr);
    ::sigaction(SIGTERM, &action, nullptr);
    ::signal(SIGPIPE, SIG_IGN);
}

void throw_if_interrupted() {
    if (was_interrupted) throw interrupted();
}

void pause_for(std::chrono::nanoseconds time) {
    auto const end = now_ns() + time.count();
    for (auto left = time.count(); left > 0; left = end - now_ns()) {
        throw_if_interrupted();
        timespec const t{left / 1'000'000'000, left % 1'000'000'000};
        ::nanosleep(&t, nullptr);
    }
    throw_if_interrupted();
}

void throw_errno(std::string const& what) {
    int const code = errno;
    throw_if_interrupted();
    throw std::runtime_error(what + ": " + std::strerror(code));
}

descriptor::~descriptor() {
    if (fd_ >= 0) ::close(fd_);
}

// ---- children

child child::run(std::function<void()> const& work) {
    std::fflush(nullptr);
    pid_t const parent = ::getpid();
    pid_t const id = ::fork();
    if (id < 0) throw_errno("fork");
    if (id > 0) return child(id);
    die_with(parent);
    ::signal(SIGINT, SIG_IGN); // the parent decides
    int status = 0;
    try {
        work();
    } catch (std::exception const& e) {
        std::fprintf(stderr, "bench_latency (child): %s\n", e.what());
        status = 1;
    }
    ::_exit(status);
}

child child::start(std::vector<std::string> const& arguments, std::string const& out,
                   std::string const& err) {
    std::vector<char*> argv;
    for (auto const& a : arguments)
        argv.push_back(const_cast<char*>(a.c_str()));
    argv.push_back(nullptr);
    pid_t const parent = ::getpid();
    pid_t const id = ::fork();
    if (id < 0) throw_errno("fork");
    if (id > 0) return child(id);
    die_with(parent);
    ::setpgid(0, 0); // Ctrl-C goes to us alone, and we end it in order
    redirect(out, 1);
    redirect(err, 2);
    ::execv(argv[0], argv.data());
    ::_exit(127);
}

child::~child() {
    if (id_ <= 0) return;
    ::kill(id_, SIGKILL);
    while (::waitpid(id_, nullptr, 0) < 0 && errno == EINTR) {
    }
}

bool child::is_running() {
    if (id_ <= 0) return false;
    if (::waitpid(id_, nullptr, WNOHANG) == 0) return true;
    id_ = 0;
    return false;
}

void child::join() {
    int status = 0;
    while (::waitpid(id_, &status, 0) < 0) {
        if (errno != EINTR) throw_errno("waitpid");
        throw_if_interrupted();
    }
    id_ = 0;
    if (status != 0) throw std::runtime_error("a child process failed");
}

void child::stop(std::chrono::milliseconds grace) {
    if (id_ <= 0) return;
    ::kill(id_, SIGTERM);
    auto const end = now_ns() + std::chrono::nanoseconds(grace).count();
    while (is_running() && now_ns() < end)
        ::usleep(2000);
    child const last(std::exchange(id_, 0)); // killed if it is still there
}

// ---- sockets

namespace {

descriptor listening_socket(sockaddr_in& at) {
    descriptor fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    at = {};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof at;
    bool const done = fd.get() >= 0 && ::bind(fd.get(), reinterpret_cast<sockaddr*>(&at), size) == 0 &&
                      ::listen(fd.get(), 1) == 0 &&
                      ::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&at), &size) == 0;
    if (!done) throw_errno("listening on 127.0.0.1");
    return fd;
}

void without_delay(descriptor const& fd) {
    int const on = 1;
    if (::setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) != 0) throw_errno("TCP_NODELAY");
}

} // namespace

std::pair<descriptor, descriptor> tcp_pair() {
    sockaddr_in at{};
    descriptor const listener = listening_socket(at);
    descriptor a(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (::connect(a.get(), reinterpret_cast<sockaddr*>(&at), sizeof at) != 0) throw_errno("connecting");
    descriptor b(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (b.get() < 0) throw_errno("accepting");
    without_delay(a);
    without_delay(b);
    return {std::move(a), std::move(b)};
}

bool send_all(int fd, std::span<char const> content) {
    while (!content.empty()) {
        ssize_t const n = ::send(fd, content.data(), content.size(), MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR) {
            throw_if_interrupted();
            continue;
        }
        if (n < 0 && (errno == ECONNRESET || errno == EPIPE)) return false;
        if (n < 0) throw_errno("sending");
        content = content.subspan(static_cast<std::size_t>(n));
    }
    return true;
}

std::size_t receive_some(int fd, std::span<char> into) {
    for (;;) {
        ssize_t const n = ::recv(fd, into.data(), into.size(), 0);
        if (n >= 0) return static_cast<std::size_t>(n);
        if (errno == ECONNRESET) return 0;
        if (errno != EINTR) throw_errno("receiving");
        throw_if_interrupted();
    }
}

std::vector<std::uint16_t> free_ports(std::size_t count) {
    std::vector<descriptor> held; // all at once, so that they differ
    std::vector<std::uint16_t> ports;
    for (std::size_t i = 0; i < count; ++i) {
        sockaddr_in at{};
        held.push_back(listening_socket(at));
        ports.push_back(ntohs(at.sin_port));
    }
    return ports;
}

void run_on_cpu(int cpu) {
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(cpu, &set);
    if (::sched_setaffinity(0, sizeof set, &set) != 0) throw_errno("sched_setaffinity");
}

// ---- flushed files

std::string name_of(flushing how) {
    switch (how) {
    case flushing::fdatasync: return "fdatasync";
    case flushing::dsync: return "dsync";
    case flushing::direct_dsync: return "direct_dsync";
    }
    return "?";
}

flushing flushing_of(std::string const& name) {
    for (flushing how : every_flushing) {
        if (name_of(how) == name) return how;
    }
    throw std::runtime_error(name + " is no flush method");
}

void flushed_file::prepare(std::string const& path, std::size_t block_bytes) {
    if (std::filesystem::exists(path)) return;
    descriptor const fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
    if (fd.get() < 0) throw_errno(path);
    std::vector<char> const zeros(block_bytes * 64, 0);
    for (std::size_t i = 0; i < blocks / 64; ++i) {
        if (::write(fd.get(), zeros.data(), zeros.size()) != static_cast<ssize_t>(zeros.size()))
            throw_errno(path);
    }
    if (::fsync(fd.get()) != 0) throw_errno(path);
}

flushed_file::flushed_file(std::string const& path, std::size_t block_bytes, flushing how)
    : path_(path), block_bytes_(block_bytes), how_(how) {
    int flags = O_WRONLY | O_CLOEXEC;
    if (how != flushing::fdatasync) flags |= O_DSYNC;
    if (how == flushing::direct_dsync) flags |= O_DIRECT;
    fd_ = descriptor(::open(path.c_str(), flags));
    if (fd_.get() < 0) throw_errno(path);
    grow_buffer(block_bytes);
}

flushed_file::~flushed_file() {
    std::free(buffer_);
}

void flushed_file::grow_buffer(std::size_t size) {
    std::free(buffer_);
    buffer_ = static_cast<char*>(std::aligned_alloc(4096, (size + 4095) / 4096 * 4096));
    if (!buffer_) throw std::bad_alloc();
    buffer_bytes_ = size;
    std::memset(buffer_, 'z', size);
}

void flushed_file::append(std::span<char const> content) {
    std::size_t const size = (content.size() + block_bytes_ - 1) / block_bytes_ * block_bytes_;
    if (size > buffer_bytes_) grow_buffer(size);
    std::memcpy(buffer_, content.data(), content.size());
    if (offset_ + size > blocks * block_bytes_) offset_ = 0;
    if (::pwrite(fd_.get(), buffer_, size, static_cast<off_t>(offset_)) != static_cast<ssize_t>(size))
        throw_errno(path_);
    if (how_ == flushing::fdatasync && ::fdatasync(fd_.get()) != 0) throw_errno(path_);
    offset_ += size;
}

// ---- what the machine does

double load_average() {
    double load[1] = {};
    return ::getloadavg(load, 1) == 1 ? load[0] : -1;
}

double machine_busy_seconds() {
    std::ifstream in("/proc/stat");
    std::string cpu;
    double user = 0, nice = 0, system = 0, idle = 0, iowait = 0, irq = 0, softirq = 0, steal = 0;
    in >> cpu >> user >> nice >> system >> idle >> iowait >> irq >> softirq >> steal;
    return (user + nice + system + irq + softirq + steal) / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

double process_cpu_seconds(pid_t id) {
    std::ifstream in("/proc/" + std::to_string(id) + "/stat");
    std::string line;
    std::getline(in, line);
    auto const name_end = line.rfind(')');
    if (name_end == std::string::npos) return 0;
    std::istringstream rest(line.substr(name_end + 2));
    std::string skipped;
    for (int i = 0; i < 11; ++i)
        rest >> skipped;
    double user = 0, system = 0;
    rest >> user >> system;
    return (user + system) / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

std::uint64_t pss_bytes(pid_t id) {
    std::ifstream in("/proc/" + std::to_string(id) + "/smaps_rollup");
    std::string word;
    while (in >> word) {
        std::uint64_t kibibytes = 0;
        if (word == "Pss:" && in >> kibibytes) return kibibytes * 1024;
    }
    throw std::runtime_error("no Pss of process " + std::to_string(id));
}

std::uint64_t loopback_packets() {
    std::ifstream in("/sys/class/net/lo/statistics/tx_packets");
    std::uint64_t packets = 0;
    if (!(in >> packets)) throw std::runtime_error("no counters of the loopback interface");
    return packets;
}

std::string file_system_of(std::string const& path) {
    struct statfs s {};
    if (::statfs(path.c_str(), &s) != 0) throw_errno(path);
    switch (static_cast<unsigned>(s.f_type)) {
    case 0xEF53: return "ext4";
    case 0x58465342: return "xfs";
    case 0x9123683E: return "btrfs";
    case 0x01021994: return "tmpfs (flushes cost nothing here)";
    case 0x794C7630: return "overlayfs";
    default: return "type " + std::to_string(static_cast<unsigned>(s.f_type));
    }
}

int cpu_count() {
    return static_cast<int>(::sysconf(_SC_NPROCESSORS_ONLN));
}

scratch_folder::scratch_folder(std::string const& parent) : path_(parent + "/zooid-latency-XXXXXX") {
    if (!::mkdtemp(path_.data())) throw_errno(path_);
}

scratch_folder::~scratch_folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
}

} // namespace latency
