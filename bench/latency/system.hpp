// What the measurements need of the operating system: children that never outlive us, sockets, flushed files,
// and what the machine was doing meanwhile. Failures throw: a measurement that went wrong has no result.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <sys/mman.h>
#include <sys/types.h>

namespace latency {

std::int64_t now_ns();

/// Thrown by everything that waits, after SIGINT or SIGTERM.
struct interrupted : std::runtime_error {
    interrupted() : std::runtime_error("interrupted") {}
};
/// From now on SIGINT and SIGTERM only set a flag, and end blocking calls.
void catch_signals();
void throw_if_interrupted();
/// Sleeps; throws `interrupted`.
void pause_for(std::chrono::nanoseconds time);

[[noreturn]] void throw_errno(std::string const& what);

class descriptor {
  public:
    explicit descriptor(int fd = -1) : fd_(fd) {}
    descriptor(descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    descriptor& operator=(descriptor&& other) noexcept {
        std::swap(fd_, other.fd_);
        return *this;
    }
    ~descriptor();
    int get() const { return fd_; }

  private:
    int fd_;
};

/// A process that we started. It is killed, by its id, and waited for when this goes; and the kernel kills it
/// if we die without a chance to do so.
class child {
  public:
    /// Runs `work` in a fork and leaves with its status; exceptions are printed there.
    static child run(std::function<void()> const& work);
    /// Starts a program with standard output and error in files.
    static child start(std::vector<std::string> const& arguments, std::string const& out,
                       std::string const& err);
    child(child&& other) noexcept : id_(std::exchange(other.id_, 0)) {}
    child& operator=(child&& other) noexcept {
        std::swap(id_, other.id_);
        return *this;
    }
    ~child();

    pid_t id() const { return id_; }
    bool is_running();
    /// Waits for its end; throws unless its exit status is 0.
    void join();
    /// SIGTERM, then SIGKILL if it is still there after `grace`.
    void stop(std::chrono::milliseconds grace);

  private:
    explicit child(pid_t id) : id_(id) {}
    pid_t id_;
};

/// A T in memory that forks share.
template <class T>
class shared {
  public:
    shared() {
        void* const at =
            ::mmap(nullptr, sizeof(T), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        if (at == MAP_FAILED) throw std::bad_alloc();
        value_ = new (at) T();
    }
    shared(shared const&) = delete;
    shared& operator=(shared const&) = delete;
    ~shared() { ::munmap(value_, sizeof(T)); }
    T& operator*() const { return *value_; }
    T* operator->() const { return value_; }

  private:
    T* value_;
};

/// Both ends of one TCP connection over 127.0.0.1, without Nagle's algorithm.
std::pair<descriptor, descriptor> tcp_pair();
/// False if the other end has gone.
[[nodiscard]] bool send_all(int fd, std::span<char const> content);
/// At least one byte; 0 at the end of the stream.
std::size_t receive_some(int fd, std::span<char> into);
/// Ports on which nobody listens now.
std::vector<std::uint16_t> free_ports(std::size_t count);

void run_on_cpu(int cpu);

enum class flushing { fdatasync, dsync, direct_dsync };
inline constexpr flushing every_flushing[] = {flushing::fdatasync, flushing::dsync, flushing::direct_dsync};
std::string name_of(flushing how);
flushing flushing_of(std::string const& name);

/// A file of zeros that were written and flushed before; then blocks of it are written and flushed in turn,
/// from the first again after the last.
class flushed_file {
  public:
    static constexpr std::size_t blocks = 4096;
    /// Makes the file unless it is there.
    static void prepare(std::string const& path, std::size_t block_bytes);
    flushed_file(std::string const& path, std::size_t block_bytes, flushing how);
    ~flushed_file();
    flushed_file(flushed_file const&) = delete;
    flushed_file& operator=(flushed_file const&) = delete;

    /// One write of `content`, filled up to whole blocks, and one flush.
    void append(std::span<char const> content);

  private:
    void grow_buffer(std::size_t size);

    descriptor fd_;
    std::string path_;
    std::size_t block_bytes_;
    flushing how_;
    std::size_t offset_ = 0;
    char* buffer_ = nullptr;
    std::size_t buffer_bytes_ = 0;
};

// ---- what the machine does

double load_average();
/// CPU time of all processes since boot, in seconds of one CPU.
double machine_busy_seconds();
/// User and system time that a process has used.
double process_cpu_seconds(pid_t id);
/// Proportional share of memory of a process.
std::uint64_t pss_bytes(pid_t id);
/// Packets that the loopback interface has sent.
std::uint64_t loopback_packets();
std::string file_system_of(std::string const& path);
int cpu_count();
/// Removes a folder and all in it when it goes.
class scratch_folder {
  public:
    explicit scratch_folder(std::string const& parent);
    ~scratch_folder();
    std::string const& path() const { return path_; }

  private:
    std::string path_;
};

} // namespace latency
