// The manifest: a page of JSON, written once, that says whose directory this is.
#pragma once

#include <zooid/file/data_directory.hpp>

namespace zooid {

inline constexpr std::uint32_t manifest_format_version = 1;

std::string manifest_text(directory_manifest const& manifest);
/// `malformed` with what is wrong, `unsupported_version` for a newer one. `where` names the file.
result<directory_manifest> parse_manifest(std::string const& text, std::string const& where);

} // namespace zooid
