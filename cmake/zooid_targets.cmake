# Targets: what a host application links, and the few words in which rooms, tests and programs are declared.
#
#   zooid::base       ids, ballots, configurations, errors, bytes          (fmt-free, header-light)
#   zooid::placement  the placement solver, usable alone                   -> base
#   zooid::core       the protocol, client included: no Asio, no threads   -> base
#   zooid::zooid      the edges: TCP, files, remote client, running server -> core, Asio, OpenSSL
#   zooid::sim        the simulated world and the checkers                 -> core
include_guard()

function(_zooid_library name)
    add_library(zooid_${name} STATIC)
    add_library(zooid::${name} ALIAS zooid_${name})
    set_target_properties(zooid_${name} PROPERTIES
        EXPORT_NAME ${name}
        OUTPUT_NAME zooid_${name}
        POSITION_INDEPENDENT_CODE ON
        CXX_VISIBILITY_PRESET hidden
        VISIBILITY_INLINES_HIDDEN ON)
    target_compile_features(zooid_${name} PUBLIC cxx_std_20)
    set_target_properties(zooid_${name} PROPERTIES CXX_EXTENSIONS OFF)
    target_include_directories(zooid_${name}
        PUBLIC $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>
        PRIVATE ${PROJECT_SOURCE_DIR}/lib)
    if(ZOOID_MUTANTS)
        target_compile_definitions(zooid_${name} PUBLIC ZOOID_MUTANTS)
    endif()
endfunction()

# zooid_room(<library> <file>...): adds a room's sources, named from its CMakeLists.txt, to a library.
function(zooid_room library)
    list(TRANSFORM ARGN PREPEND ${CMAKE_CURRENT_SOURCE_DIR}/)
    target_sources(zooid_${library} PRIVATE ${ARGN})
endfunction()

# zooid_library_of(<room> <result>): the library that a room's sources join, as tests/structure/rooms.txt says.
function(zooid_library_of room result)
    file(STRINGS ${PROJECT_SOURCE_DIR}/tests/structure/rooms.txt line REGEX "^${room} ")
    if(NOT line MATCHES "^[a-z]+ +([a-z]+) ")
        message(FATAL_ERROR "${room} is no room of tests/structure/rooms.txt")
    endif()
    set(${result} ${CMAKE_MATCH_1} PARENT_SCOPE)
endfunction()

# zooid_program(<name> <file>... [LIBRARIES <target>...]): an installed program of the component `programs`.
function(zooid_program name)
    cmake_parse_arguments(PARSE_ARGV 1 program "" "" "LIBRARIES")
    add_executable(${name} ${program_UNPARSED_ARGUMENTS})
    target_link_libraries(${name} PRIVATE ${program_LIBRARIES})
    target_compile_options(${name} PRIVATE ${ZOOID_EDGE_OPTIONS})
    set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bin CXX_EXTENSIONS OFF)
    if(ZOOID_INSTALL)
        install(TARGETS ${name} RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT programs)
    endif()
endfunction()

# zooid_example(<name> <file>... [LIBRARIES <target>...]): a small example, zooid_<name>, that is not installed. It
# sees what a host application sees, and what examples share.
function(zooid_example name)
    cmake_parse_arguments(PARSE_ARGV 1 example "" "" "LIBRARIES")
    add_executable(zooid_${name} ${example_UNPARSED_ARGUMENTS})
    target_link_libraries(zooid_${name} PRIVATE ${example_LIBRARIES})
    target_compile_options(zooid_${name} PRIVATE ${ZOOID_EDGE_OPTIONS} ${ZOOID_TEST_OPTIONS})
    target_include_directories(zooid_${name} PRIVATE ${PROJECT_SOURCE_DIR}/examples)
    set_target_properties(zooid_${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bin CXX_EXTENSIONS OFF)
    set_property(GLOBAL APPEND PROPERTY ZOOID_EXAMPLES ${name})
endfunction()

# zooid_test(<name> <file>... [LIBRARIES <target>...] [SERIAL] [EDGE]): one Catch2 executable, test_<name>; each test case
# is a ctest test with the label <name>. Cases with the Catch tag [slow] have the label <name>.slow instead, and begin
# before the others, so that none of them is what everybody waits for in the end. SERIAL runs one case after the other,
# beside other tests, for those that watch real processes. EDGE says that the cases wait for sockets, files and processes
# more than they compute: like programs and examples they are compiled with ZOOID_EDGE_OPTIONS besides, which the
# sanitised presets set to -O0. ZOOID_TEST_OPTIONS are for all tests and small examples: nobody installs or measures them.
function(zooid_test name)
    cmake_parse_arguments(PARSE_ARGV 1 test "SERIAL;EDGE" "" "LIBRARIES")
    add_executable(test_${name} ${test_UNPARSED_ARGUMENTS})
    target_link_libraries(test_${name} PRIVATE zooid_test_main ${test_LIBRARIES})
    target_compile_options(test_${name} PRIVATE ${ZOOID_TEST_OPTIONS})
    if(test_EDGE)
        target_compile_options(test_${name} PRIVATE ${ZOOID_EDGE_OPTIONS})
    endif()
    target_include_directories(test_${name} PRIVATE ${PROJECT_SOURCE_DIR}/lib ${PROJECT_SOURCE_DIR}/tests)
    target_compile_definitions(test_${name} PRIVATE ZOOID_SOURCE_DIR="${PROJECT_SOURCE_DIR}"
                                                    ZOOID_BINARY_DIR="${PROJECT_BINARY_DIR}")
    set_target_properties(test_${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/tests CXX_EXTENSIONS OFF)
    set_property(GLOBAL APPEND PROPERTY ZOOID_TESTS ${name})
    set(properties TIMEOUT 600)
    if(test_SERIAL)
        list(APPEND properties RESOURCE_LOCK ${name} COST 500)
    endif()
    catch_discover_tests(test_${name} TEST_PREFIX "${name}: " TEST_SPEC "~[slow]" PROPERTIES LABELS ${name} ${properties})
    _zooid_has_slow_cases(has_slow ${test_UNPARSED_ARGUMENTS})
    if(has_slow)
        catch_discover_tests(test_${name} TEST_PREFIX "${name}: " TEST_SPEC "[slow]" TEST_LIST test_${name}_SLOW_TESTS
            PROPERTIES LABELS ${name}.slow ${properties} TIMEOUT 1500 COST 1000)
    endif()
endfunction()

function(_zooid_has_slow_cases result)
    set(${result} FALSE PARENT_SCOPE)
    foreach(file IN LISTS ARGN)
        get_filename_component(file ${file} ABSOLUTE)
        set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${file})
        file(STRINGS ${file} lines REGEX "\\[slow\\]")
        if(lines)
            set(${result} TRUE PARENT_SCOPE)
        endif()
    endforeach()
endfunction()
