# Read by cpack before it packs: files in the packages bear the time of the commit, so that two
# builds of a commit are the same.
if(NOT DEFINED ENV{SOURCE_DATE_EPOCH})
    execute_process(COMMAND git -C "${CMAKE_CURRENT_LIST_DIR}" log -1 --format=%ct
        OUTPUT_VARIABLE committed OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
    if(committed)
        set(ENV{SOURCE_DATE_EPOCH} "${committed}")
    endif()
endif()
