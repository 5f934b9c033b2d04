# Writes OUTPUT, a header that defines SYNCLINE_VERSION, and leaves it alone when nothing changed.
# Run by the build as: cmake -DSOURCE_DIR= -DOUTPUT= -DVERSION= -P version.cmake
set(version "${VERSION}")
find_program(git git)
if(git AND EXISTS "${SOURCE_DIR}/.git")
    # v0.1.0-12-gabc1234-dirty, or abc1234-dirty while there is no tag; empty without a commit.
    execute_process(
        COMMAND "${git}" describe --tags --match "v[0-9]*" --always --dirty=.dirty
        WORKING_DIRECTORY "${SOURCE_DIR}" OUTPUT_VARIABLE described
        OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
    if(described MATCHES "^v${VERSION}(\\.dirty)?$")
        string(APPEND version "${CMAKE_MATCH_1}")
        string(REPLACE "0.dirty" "0+dirty" version "${version}")
    elseif(described MATCHES "^v.*-([0-9]+)-(g[0-9a-f]+)(\\.dirty)?$")
        string(APPEND version "+${CMAKE_MATCH_1}.${CMAKE_MATCH_2}${CMAKE_MATCH_3}")
    elseif(described)
        string(APPEND version "+g${described}")
    endif()
endif()
set(text "#define SYNCLINE_VERSION \"${version}\"\n")
set(before "")
if(EXISTS "${OUTPUT}")
    file(READ "${OUTPUT}" before)
endif()
if(NOT text STREQUAL before)
    file(WRITE "${OUTPUT}" "${text}")
endif()
