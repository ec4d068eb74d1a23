// The commands: each prints, for people or as one JSON line, and returns the exit code.
#pragma once

#include "cells.hpp"

#include <string>

namespace zooidctl {

inline constexpr int exit_done = 0;
inline constexpr int exit_rejected = 1;  ///< a condition failed, or the key holds nothing
inline constexpr int exit_unknown = 2;   ///< it may or may not have happened
inline constexpr int exit_try_again = 3; ///< nothing happened: unreachable, overloaded, out of time
inline constexpr int exit_refused = 4;   ///< nothing happened, and repeating it won't help
inline constexpr int exit_usage = 64;
inline constexpr int exit_data = 65; ///< the transaction's JSON, or something over its limit
inline constexpr int exit_config = 78;

struct output {
    bool as_json = false;
    /// Prints the error to standard error, or as {"error":code,"detail":words}; returns its exit code.
    int fail(zooid::error const& e) const;
};

/// Which keys `keygen` writes: a new colony's, or those that are issued from a colony's to a principal.
struct issue {
    std::string from;
    zooid::party_role role = zooid::party_role::client;
    zooid::principal_id to; ///< zero: a new colony
};

int exit_code_of(zooid::error const& e);

int colony_init(colony& on, output const& out, std::vector<std::uint64_t> const& servers);
int cell_create(colony& on, output const& out, std::string const& key, birth_wish const& wish);
int cell_move(colony& on, output const& out, std::string const& key,
              std::vector<std::uint64_t> const& servers);
int cell_prefer(colony& on, output const& out, std::string const& key,
                std::vector<std::uint64_t> const& servers);
int cell_lead(colony& on, output const& out, std::string const& key, std::uint64_t server);
int cell_finalise(colony& on, output const& out, std::string const& key, std::uint16_t to);
int transact(colony& on, output const& out, std::string const& key, std::string const& text);
/// How fresh a read is, and what it rests on.
enum class freshness : std::uint8_t { strict, leased, stale };
int get(colony& on, output const& out, std::string const& key, std::vector<std::string> const& names,
        freshness how);
int scan_directory(colony& on, output const& out, std::string const& prefix);
int scan_cell(colony& on, output const& out, std::string const& key, std::string const& prefix);
int status(colony& on, output const& out);
int explain(colony& on, output const& out, std::string const& key);
int keygen(output const& out, std::string const& path, issue const& what);

} // namespace zooidctl
