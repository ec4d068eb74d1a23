#include <zooid/client/call.hpp>

namespace zooid {

namespace {

result<call_request> make_call(operation op, cell_name cell, kv::transaction const& t, time_point deadline) {
    ZOOID_TRY(t.validate());
    if (op != operation::commit && !t.read_only()) {
        return error(errc::invalid_argument, "a read has an operation that writes");
    }
    call_request r;
    r.op = op;
    r.cell = std::move(cell);
    r.deadline = deadline;
    kv::encode(t, r.payload);
    return r;
}

} // namespace

std::string to_string(cell_name const& name) {
    return name.id() ? "cell " + to_string(name.id()) : "key \"" + name.key() + "\"";
}

result<call_request> commit_call(cell_name cell, kv::transaction const& t, time_point deadline) {
    return make_call(operation::commit, std::move(cell), t, deadline);
}

result<call_request> strict_read_call(cell_name cell, kv::transaction const& t, time_point deadline) {
    return make_call(operation::strict_read, std::move(cell), t, deadline);
}

result<call_request> leased_read_call(cell_name cell, kv::transaction const& t, time_point deadline) {
    return make_call(operation::leased_read, std::move(cell), t, deadline);
}

result<call_request> prefix_read_call(cell_name cell, kv::transaction const& t, time_point deadline) {
    return make_call(operation::prefix_read, std::move(cell), t, deadline);
}

result<transaction_reply> transaction_reply_of(operation op, result<call_reply> const& reply) {
    if (!reply) return reply.error();
    call_reply const& r = reply.value();
    auto decoded = kv::decode_outcome(r.payload);
    if (!decoded) {
        errc const code = op == operation::commit ? errc::outcome_unknown : decoded.error().code();
        return error(code, "the cell's answer cannot be read: " + decoded.error().message());
    }
    return transaction_reply{std::move(decoded).value(), {r.where.birth, r.where.at}, r.where.cell};
}

} // namespace zooid
