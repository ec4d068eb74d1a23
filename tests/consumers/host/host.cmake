# The host applications, the same however they got the library. Each takes all objects of its archive, not only those
# that it calls, so that a symbol that nobody provides, or that two provide, is found here.

add_executable(host_base ${CMAKE_CURRENT_LIST_DIR}/host_pure.cpp)
target_link_libraries(host_base PRIVATE $<LINK_LIBRARY:WHOLE_ARCHIVE,zooid::base>)

add_executable(host_core ${CMAKE_CURRENT_LIST_DIR}/host_pure.cpp)
target_link_libraries(host_core PRIVATE $<LINK_LIBRARY:WHOLE_ARCHIVE,zooid::core>)

# Asio and JSON of the host's own, in translation units of its own.
find_package(Threads REQUIRED)
add_executable(host_asio ${CMAKE_CURRENT_LIST_DIR}/host_asio.cpp ${CMAKE_CURRENT_LIST_DIR}/host_asio_impl.cpp
    ${CMAKE_CURRENT_LIST_DIR}/host_json.cpp)
target_compile_definitions(host_asio PRIVATE BOOST_ASIO_SEPARATE_COMPILATION)
target_link_libraries(host_asio PRIVATE $<LINK_LIBRARY:WHOLE_ARCHIVE,zooid::zooid> Threads::Threads)

# Everything that a target's link line would name, its private parts included.
function(collect_link_closure target result)
    set(seen ${${result}})
    get_target_property(aliased ${target} ALIASED_TARGET)
    if(aliased)
        set(target ${aliased})
    endif()
    get_target_property(libraries ${target} INTERFACE_LINK_LIBRARIES)
    foreach(library IN LISTS libraries)
        string(REGEX REPLACE "^\\$<LINK_ONLY:(.*)>$" "\\1" library "${library}")
        if(library AND NOT library IN_LIST seen)
            list(APPEND seen ${library})
            if(TARGET ${library})
                collect_link_closure(${library} seen)
            endif()
        endif()
    endforeach()
    set(${result} ${seen} PARENT_SCOPE)
endfunction()

foreach(pure core placement sim)
    set(closure "")
    collect_link_closure(zooid::${pure} closure)
    message(STATUS "zooid::${pure} links ${closure}")
    if(closure MATCHES "Threads|OpenSSL|pthread")
        message(FATAL_ERROR "zooid::${pure} must link without threads and without OpenSSL, but names: ${closure}")
    endif()
endforeach()
