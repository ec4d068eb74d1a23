// Boost.JSON, compiled once for the whole library. A host application that compiles its own copy keeps it:
// the linker takes this object from the archive only if something is still undefined.
#include <boost/json/src.hpp>
