#include <zooid/kv/integer.hpp>

#include <zooid/base/limits.hpp>

#include <boost/multiprecision/cpp_int.hpp>

#include <algorithm>
#include <iterator>

namespace zooid::kv {

namespace {

using boost::multiprecision::cpp_int;

constexpr std::size_t canonical_bytes_max = 1 + limits::integer_bits_max / 8;
constexpr std::size_t decimal_digits_max = limits::integer_bits_max * 302 / 1000; // log10(2) = 0.30103

unsigned char byte_at(bytes_view canonical, std::size_t index) {
    return static_cast<unsigned char>(canonical[index]);
}

cpp_int to_cpp_int(bytes_view canonical) {
    cpp_int n;
    if (canonical.empty()) return n;
    auto const first = reinterpret_cast<unsigned char const*>(canonical.data()) + 1;
    import_bits(n, first, first + canonical.size() - 1, 8, false);
    if (canonical[0] != 0) n = -n;
    return n;
}

std::optional<integer> from_cpp_int(cpp_int const& n) {
    if (n == 0) return integer();
    cpp_int const magnitude = abs(n);
    if (msb(magnitude) >= limits::integer_bits_max) return std::nullopt;
    std::vector<unsigned char> exported;
    export_bits(magnitude, std::back_inserter(exported), 8, false);
    while (exported.back() == 0)
        exported.pop_back();
    bytes canonical(1, n < 0 ? '\1' : '\0');
    canonical.append(reinterpret_cast<char const*>(exported.data()), exported.size());
    return integer::from_canonical(canonical);
}

bool is_canonical_decimal(std::string_view text) {
    bool const negative = !text.empty() && text[0] == '-';
    if (negative) text.remove_prefix(1);
    if (text.empty() || text.size() > decimal_digits_max) return false;
    if (text[0] == '0' && (text.size() > 1 || negative)) return false;
    return std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

std::strong_ordering compare_magnitudes(bytes_view a, bytes_view b) {
    if (a.size() != b.size()) return a.size() <=> b.size();
    for (std::size_t i = a.size(); i-- > 1;) {
        if (a[i] != b[i]) return byte_at(a, i) <=> byte_at(b, i);
    }
    return std::strong_ordering::equal;
}

} // namespace

integer::integer(magnitude_tag, bool is_negative, std::uint64_t magnitude) {
    if (magnitude == 0) return;
    canonical_.push_back(is_negative ? '\1' : '\0');
    for (; magnitude != 0; magnitude >>= 8)
        canonical_.push_back(static_cast<char>(magnitude & 0xFF));
}

std::optional<integer> integer::parse(std::string_view decimal) {
    if (!is_canonical_decimal(decimal)) return std::nullopt;
    return from_cpp_int(cpp_int(std::string(decimal)));
}

std::optional<integer> integer::from_canonical(bytes_view canonical) {
    bool const zero = canonical.empty();
    if (!zero && (canonical.size() < 2 || canonical.size() > canonical_bytes_max || canonical.back() == 0 ||
                  byte_at(canonical, 0) > 1)) {
        return std::nullopt;
    }
    integer n;
    n.canonical_ = canonical;
    return n;
}

std::optional<std::int64_t> integer::to_int64() const {
    if (canonical_.size() > 9) return std::nullopt;
    std::uint64_t magnitude = 0;
    for (std::size_t i = 1; i < canonical_.size(); ++i)
        magnitude |= std::uint64_t{byte_at(canonical_, i)} << (8 * (i - 1));
    constexpr std::uint64_t top = std::uint64_t{1} << 63;
    if (magnitude > top || (magnitude == top && !negative())) return std::nullopt;
    return static_cast<std::int64_t>(negative() ? 0 - magnitude : magnitude);
}

std::string integer::to_string() const {
    if (auto const small = to_int64()) return std::to_string(*small);
    return to_cpp_int(canonical_).str();
}

integer integer::negated() const {
    integer n = *this;
    if (!n.canonical_.empty()) n.canonical_[0] = negative() ? '\0' : '\1';
    return n;
}

std::optional<integer> sum(integer const& a, integer const& b) {
    auto const small_a = a.to_int64();
    auto const small_b = b.to_int64();
    std::int64_t small_sum = 0;
    if (small_a && small_b && !__builtin_add_overflow(*small_a, *small_b, &small_sum)) return small_sum;
    return from_cpp_int(to_cpp_int(a.canonical_) + to_cpp_int(b.canonical_));
}

std::strong_ordering operator<=>(integer const& a, integer const& b) {
    if (a.negative() != b.negative()) return b.negative() <=> a.negative();
    return a.negative() ? compare_magnitudes(b.canonical_, a.canonical_)
                        : compare_magnitudes(a.canonical_, b.canonical_);
}

} // namespace zooid::kv
