// The style that all pictures share: eight line colours that differ in lightness too, in both colour schemes.
#pragma once

#include <string>
#include <string_view>

namespace zooid::placement {

inline constexpr std::string_view picture_style = R"css(<style>
svg.zooid{--ink:#1d2430;--soft:#5b6675;--line:#d5dae1;--back:#ffffff;--empty:#e9edf2;--drain:#b9c0ca;
--c0:#0b62c4;--c1:#c2410c;--c2:#0f7a4f;--c3:#8b2fc9;--c4:#a16207;--c5:#be185d;--c6:#0e7490;--c7:#4b5563;
--h0:#dbe7f6;--h1:#9cc3ec;--h2:#5a97dc;--h3:#2a67b8;--h4:#123c7a;
--r0:#fbe6d4;--r1:#f4bd8f;--r2:#e68a45;--r3:#c05a17;--r4:#71320b;--member:#d1114a;--anchor:#1d2430;
font-family:system-ui,-apple-system,"Segoe UI",Roboto,"DejaVu Sans",sans-serif}
@media (prefers-color-scheme:dark){svg.zooid{--ink:#e6eaf0;--soft:#9aa6b5;--line:#39424f;--back:#12161c;--empty:#262d37;--drain:#4a5361;
--c0:#6cb0ff;--c1:#ff9a5c;--c2:#4fd39a;--c3:#cf9bff;--c4:#e6c04a;--c5:#ff86b6;--c6:#5fd3e8;--c7:#b3bcc9;
--h0:#22364d;--h1:#2a588a;--h2:#3b82c9;--h3:#79b4f2;--h4:#d6e9ff;
--r0:#3d2a1c;--r1:#6f4520;--r2:#b46d28;--r3:#ec9f52;--r4:#ffe0bd;--member:#ff5c8a;--anchor:#ffffff}}
.zooid text{fill:var(--ink)}.zooid .soft{fill:var(--soft)}.zooid .grid{stroke:var(--line);stroke-width:1;fill:none}
.zooid .back{fill:var(--back)}.zooid .curve{fill:none;stroke-width:2.25;stroke-linejoin:round;stroke-linecap:round}
</style>)css";

std::string escaped(std::string_view text);

} // namespace zooid::placement
