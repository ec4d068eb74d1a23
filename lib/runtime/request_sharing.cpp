#include "runtime/request_sharing.hpp"

namespace zooid {

namespace {

constexpr std::size_t questions_max = 1024;
constexpr std::uint64_t question_bit = std::uint64_t{1} << 63;

bool is_question(link_id link) {
    return (link.value & question_bit) != 0;
}

std::uint16_t shard_of_link(link_id link) {
    return static_cast<std::uint16_t>(link.value % shards_max);
}

// Who asks for a replica, or brings a founding record, names the cell in the payload.
cell_id cell_named_by(request const& r) {
    if (r.op == operation::reserve) {
        auto const asked = decode_reserve_request(r.payload);
        return asked ? asked.value().cell : r.cell;
    }
    if (r.op == operation::found) {
        auto const founding = decode_snapshot(r.payload);
        return founding ? founding.value().cell : r.cell;
    }
    return r.cell;
}

} // namespace

request_sharing::request_sharing(shard_place self, shard_exchange& others, home& here)
    : self_(self), others_(others), home_(here) {}

// What can't be understood is refused here, by the host that understands nothing either.
request_sharing::destination request_sharing::destination_of(request const& r) const {
    if (r.op == operation::status) return everywhere{};
    if (cell_id const cell = cell_named_by(r)) return owner_of(cell);
    if (!r.key.empty()) return by_key{};
    return self_.shard;
}

void request_sharing::on_request(requester from, bytes_view encoded) {
    auto const decoded = decode_request(encoded);
    if (!decoded) return home_.take_request(from, encoded);
    destination const to = destination_of(decoded.value());
    if (auto const* shard = std::get_if<std::uint16_t>(&to)) return pass_on(*shard, from, encoded);
    ask_all(from, decoded.value(), encoded);
}

void request_sharing::pass_on(std::uint16_t to, requester from, bytes_view encoded) {
    if (to == self_.shard) return home_.take_request(from, encoded);
    bool const handed =
        others_.hand(to, {shard_exchange::kind::request, self_.shard, from.link, from.role, bytes(encoded)});
    if (!handed) fail(from.link, correlation_of(encoded), errc::overloaded);
}

void request_sharing::fail(link_id client, correlation_id correlation, error const& why) {
    reply r;
    r.correlation = correlation;
    r.failure = why.code();
    r.detail = why.detail();
    bytes out;
    encode(r, out);
    home_.reply_to_client(client, out);
}

// Every shard answers such a question in one turn, so their number bounds what the queues hold of them.
void request_sharing::ask_all(requester from, request const& r, bytes_view encoded) {
    if (questions_.size() >= questions_max) return fail(from.link, r.correlation, errc::overloaded);
    link_id const asked{question_bit | ++asked_ * shards_max | self_.shard};
    questions_.emplace(asked, question{from, bytes(encoded), r.correlation, r.op, {}});
    request for_all = r;
    if (r.op != operation::status) {
        for_all = {};
        for_all.correlation = r.correlation;
        for_all.op = operation::locate;
        for_all.key = r.key;
    }
    bytes question_bytes;
    encode(for_all, question_bytes);
    for (std::uint16_t shard = 0; shard < self_.shards; ++shard) {
        if (shard == self_.shard) continue;
        (void)others_.hand(shard,
                           {shard_exchange::kind::request, self_.shard, asked, from.role, question_bytes},
                           shard_exchange::bound::none);
    }
    home_.take_request({asked, from.role}, question_bytes);
}

void request_sharing::send_reply(output_reply reply) {
    std::uint16_t const to = shard_of_link(reply.to);
    if (to == self_.shard) return deliver(self_.shard, reply.to, reply.payload);
    auto const how = is_question(reply.to) ? shard_exchange::bound::none : shard_exchange::bound::queue;
    (void)others_.hand(to, {shard_exchange::kind::reply, self_.shard, reply.to, {}, std::move(reply.payload)},
                       how);
}

void request_sharing::deliver(std::uint16_t from, link_id to, bytes_view reply) {
    is_question(to) ? on_answer(from, to, reply) : home_.reply_to_client(to, reply);
}

void request_sharing::on_client_down(link_id client) {
    home_.forget_client(client);
    for (std::uint16_t shard = 0; shard < self_.shards; ++shard) {
        if (shard == self_.shard) continue;
        (void)others_.hand(shard, {shard_exchange::kind::client_gone, self_.shard, client, {}, {}},
                           shard_exchange::bound::none);
    }
}

void request_sharing::take_handed() {
    for (shard_exchange::item const& i : others_.take(self_.shard)) {
        switch (i.what) {
        case shard_exchange::kind::request: home_.take_request({i.client, i.role}, i.payload); break;
        case shard_exchange::kind::reply: deliver(i.from, i.client, i.payload); break;
        case shard_exchange::kind::client_gone: home_.forget_client(i.client); break;
        }
    }
}

// ---- questions to all shards

void request_sharing::on_answer(std::uint16_t from, link_id asked, bytes_view reply) {
    auto const found = questions_.find(asked);
    if (found == questions_.end()) return;
    found->second.answers.emplace_back(from, bytes(reply));
    if (found->second.answers.size() < self_.shards) return;
    question const q = std::move(found->second);
    questions_.erase(found);
    q.op == operation::status ? answer_status(q) : go_on_with_key(q);
}

// One that fails tells why: it is stopping, for one.
void request_sharing::answer_status(question const& q) {
    std::vector<bytes> parts;
    for (auto const& [shard, encoded] : q.answers) {
        auto const answer = decode_reply(encoded);
        if (!answer || answer.value().failure) return home_.reply_to_client(q.from.link, encoded);
        parts.emplace_back(answer.value().payload);
    }
    bytes const merged = merge_status(parts);
    reply all;
    all.correlation = q.correlation;
    all.payload = merged;
    bytes out;
    encode(all, out);
    home_.reply_to_client(q.from.link, out);
}

// Q2. If no shard has the key, the request fails as at one that hasn't; if one could not say, as there.
void request_sharing::go_on_with_key(question const& q) {
    std::uint16_t best = self_.shard;
    generation youngest;
    std::optional<std::uint16_t> silent;
    for (auto const& [shard, encoded] : q.answers) {
        auto const answer = decode_reply(encoded);
        if (!answer) continue;
        if (answer.value().failure && *answer.value().failure != errc::not_here) silent = shard;
        if (answer.value().failure || answer.value().birth <= youngest) continue;
        youngest = answer.value().birth;
        best = shard;
    }
    pass_on(youngest || !silent ? best : *silent, q.from, q.request);
}

} // namespace zooid
