#include <zooid/remote/remote_lease.hpp>

#include "remote/impl.hpp"

#include <boost/asio/associated_executor.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/execution/outstanding_work.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/prefer.hpp>

#include <algorithm>

namespace zooid {

namespace asio = boost::asio;

namespace {

// While somebody else holds, a release is looked for this often.
constexpr duration look_interval_min = std::chrono::milliseconds(50);
constexpr duration look_interval_max = std::chrono::seconds(1);

using lease_timer =
    asio::basic_waitable_timer<std::chrono::steady_clock, asio::wait_traits<std::chrono::steady_clock>,
                               asio::any_io_executor>;

} // namespace

// Everything but `until_` is touched in the strand only.
class remote_lease::impl : public std::enable_shared_from_this<impl> {
  public:
    enum class intent : std::uint8_t { acquire, renew };
    /// A handler with its executor, which has work to wait for meanwhile.
    template <class Signature>
    class waiting_handler {
      public:
        waiting_handler(asio::any_io_executor const& fallback,
                        asio::any_completion_handler<Signature> handler)
            : first_(fallback), handler_(std::move(handler)) {
            asio::any_completion_executor const own = asio::get_associated_executor(handler_, fallback);
            work_ = asio::prefer(own, asio::execution::outstanding_work.tracked);
        }
        template <class Result>
        void complete(Result how) {
            auto invoke = [h = std::move(handler_), r = std::move(how)]() mutable {
                std::move(h)(std::move(r));
            };
            asio::post(first_, [work = std::move(work_), invoke = std::move(invoke)]() mutable {
                asio::dispatch(work, std::move(invoke));
            });
        }

      private:
        asio::any_io_executor first_;
        asio::any_completion_executor work_;
        asio::any_completion_handler<Signature> handler_;
    };
    using number_waiting = waiting_handler<number_signature>;

    impl(remote_client& client, asio::any_io_executor executor, cell_name cell, kv::lease_agent agent)
        : client_(client), executor_(std::move(executor)), strand_(asio::make_strand(executor_)),
          cell_(std::move(cell)), agent_(std::move(agent)), timer_(strand_) {}

    asio::any_io_executor const& executor() const { return executor_; }
    time_point until() const { return time_point(duration(until_.load())); }

    void take(intent what, call_options options, number_waiting waiting) {
        in_strand([this, what, options, w = std::move(waiting)]() mutable {
            if (busy_) return w.complete(result<version>(errc::in_use));
            busy_ = true;
            intent_ = what;
            birth_ = options.birth;
            deadline_ = deadline_of(options);
            waiting_.emplace(std::move(w));
            go_on();
        });
    }

    void release(call_options options, waiting_handler<released_signature> waiting) {
        until_ = time_point::min().time_since_epoch().count();
        in_strand([this, options, w = std::move(waiting)]() mutable {
            if (busy_) return w.complete(result<void>(errc::in_use));
            busy_ = true;
            kv::transaction free = agent_.release();
            commit(std::move(free), options, [this, w = std::move(w)](result<transaction_reply> r) mutable {
                busy_ = false;
                w.complete(r ? result<void>(outcome::success()) : result<void>(r.error()));
            });
        });
    }

    void observe(call_options options, waiting_handler<observed_signature> waiting) {
        in_strand([this, options, w = std::move(waiting)]() mutable {
            auto look = kv::transaction().read(agent_.key());
            auto heard = [key = agent_.key(), w = std::move(w)](result<transaction_reply> r) mutable {
                w.complete(observed(key, r));
            };
            client_.read(cell_, std::move(look), options, asio::bind_executor(strand_, std::move(heard)));
        });
    }

  private:
    template <class Function>
    void in_strand(Function f) {
        asio::post(strand_, [self = shared_from_this(), f = std::move(f)]() mutable { f(); });
    }
    template <class Function>
    void commit(kv::transaction t, call_options options, Function heard) {
        client_.commit(
            cell_, std::move(t), options,
            asio::bind_executor(strand_, [self = shared_from_this(), h = std::move(heard)](
                                             result<transaction_reply> r) mutable { h(std::move(r)); }));
    }

    static result<std::optional<kv::observed_lease>> observed(bytes const& key,
                                                              result<transaction_reply> const& r) {
        if (!r) return r.error();
        auto const* seen = r.value().committed();
        auto const* entry = seen ? seen->find(key) : nullptr;
        if (!entry) return error(errc::malformed, "the answer does not name the lease");
        return kv::lease_of(*entry);
    }

    call_options rest(time_point now) const {
        call_options how;
        how.deadline = std::max<duration>(deadline_ - now, std::chrono::milliseconds(1));
        how.birth = birth_;
        return how;
    }

    void finish(result<version> how) {
        busy_ = false;
        auto waiting = std::move(*waiting_);
        waiting_.reset();
        waiting.complete(std::move(how));
    }

    void go_on() {
        time_point const now = now_of_the_system();
        if (intent_ == intent::renew && !agent_.holds(now)) return finish(errc::conflict);
        if (now >= deadline_) return finish(errc::timed_out);
        if (agent_.attempt_at() > now) return wait(now);
        commit(agent_.attempt(now), rest(now),
               [this](result<transaction_reply> r) { on_attempt(std::move(r)); });
    }

    void on_attempt(result<transaction_reply> r) {
        if (!r) {
            if (r.error() == errc::outcome_unknown) agent_.ended_unknown();
            return finish(r.error());
        }
        time_point const now = now_of_the_system();
        auto const taken = agent_.ended(r.value().outcome, now);
        until_ = agent_.until().time_since_epoch().count();
        if (!taken) return finish(taken.error());
        if (r.value().is_committed() && agent_.holds(now)) return finish(agent_.number());
        go_on(); // it met another entry, or it came too late to be worth anything
    }

    // Until whoever holds has had its time; a look now and then tells of a release.
    void wait(time_point now) {
        duration const often =
            std::clamp(agent_.other()->terms.lasts / 8, look_interval_min, look_interval_max);
        timer_.expires_after(std::min({agent_.attempt_at() - now, often, deadline_ - now}));
        timer_.async_wait([self = shared_from_this()](boost::system::error_code const&) { self->look(); });
    }

    void look() {
        time_point const now = now_of_the_system();
        if (now >= deadline_ || agent_.attempt_at() <= now) return go_on();
        auto heard = [self = shared_from_this()](result<transaction_reply> r) {
            if (r) (void)self->agent_.observed(r.value().outcome, now_of_the_system());
            self->go_on();
        };
        client_.read(cell_, agent_.observe(now), rest(now), asio::bind_executor(strand_, std::move(heard)));
    }

    remote_client& client_;
    asio::any_io_executor executor_;
    asio::any_io_executor strand_;
    cell_name cell_;
    kv::lease_agent agent_;
    lease_timer timer_;
    std::atomic<std::int64_t> until_{time_point::min().time_since_epoch().count()};
    bool busy_ = false;
    intent intent_ = intent::acquire;
    generation birth_;
    time_point deadline_;
    std::optional<number_waiting> waiting_;
};

result<std::unique_ptr<remote_lease>> remote_lease::open(remote_client& client,
                                                         asio::any_io_executor executor, cell_name cell,
                                                         bytes key, kv::lease_terms terms,
                                                         kv::lease_agent_options options) {
    ZOOID_TRY(auto agent, kv::lease_agent::make(std::move(key), std::move(terms), options));
    auto made = std::make_shared<impl>(client, std::move(executor), std::move(cell), std::move(agent));
    return std::unique_ptr<remote_lease>(new remote_lease(std::move(made)));
}

remote_lease::remote_lease(std::shared_ptr<impl> made) : impl_(std::move(made)) {}
remote_lease::~remote_lease() = default;

bool remote_lease::holds() const {
    return now_of_the_system() < impl_->until();
}

duration remote_lease::remaining() const {
    time_point const until = impl_->until();
    time_point const now = now_of_the_system();
    return now < until ? until - now : duration();
}

void remote_lease::start_acquire(call_options options, erased<number_signature> handler) {
    impl_->take(impl::intent::acquire, options, {impl_->executor(), std::move(handler)});
}
void remote_lease::start_renew(call_options options, erased<number_signature> handler) {
    impl_->take(impl::intent::renew, options, {impl_->executor(), std::move(handler)});
}
void remote_lease::start_release(call_options options, erased<released_signature> handler) {
    impl_->release(options, {impl_->executor(), std::move(handler)});
}
void remote_lease::start_observe(call_options options, erased<observed_signature> handler) {
    impl_->observe(options, {impl_->executor(), std::move(handler)});
}

} // namespace zooid
