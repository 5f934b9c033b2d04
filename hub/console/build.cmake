# Builds the console: cmake -DNODE= -DNPM= -DFOLDER= -DSTAMP= -P build.cmake
#
# Packages are installed only where the lock file is newer than what is installed, so that a build
# after tests/support/install needs no network. Presets that build at the same time wait for each
# other; who comes second finds its sources built and leaves them as they are.
file(LOCK "${FOLDER}/.build.lock" GUARD PROCESS TIMEOUT 300)
set(installed "${FOLDER}/node_modules/.package-lock.json")
if(NOT EXISTS "${installed}" OR "${FOLDER}/package-lock.json" IS_NEWER_THAN "${installed}")
    execute_process(COMMAND "${NPM}" ci --no-audit --no-fund --loglevel=error
        WORKING_DIRECTORY "${FOLDER}" COMMAND_ERROR_IS_FATAL ANY)
    file(TOUCH "${installed}")
endif()

# By content: a checkout gives files new times, and what is built depends on their bytes alone.
file(GLOB_RECURSE sources "${FOLDER}/src/*" "${FOLDER}/public/*")
list(APPEND sources "${FOLDER}/index.html" "${FOLDER}/package-lock.json" "${FOLDER}/tsconfig.json"
    "${FOLDER}/vite.config.ts")
list(SORT sources)
set(all "")
foreach(file IN LISTS sources)
    file(SHA256 "${file}" hash)
    file(RELATIVE_PATH name "${FOLDER}" "${file}")
    string(APPEND all "${name} ${hash}\n")
endforeach()
string(SHA256 now "${all}")
set(record "${FOLDER}/node_modules/.console-built")
set(built "")
if(EXISTS "${record}" AND EXISTS "${FOLDER}/dist/index.html")
    file(READ "${record}" built)
endif()
if(NOT built STREQUAL now)
    foreach(step IN ITEMS "node_modules/typescript/bin/tsc;--noEmit"
                          "node_modules/vite/bin/vite.js;build;--logLevel;warn")
        execute_process(COMMAND "${NODE}" ${step} WORKING_DIRECTORY "${FOLDER}"
            COMMAND_ERROR_IS_FATAL ANY)
    endforeach()
    file(WRITE "${record}" "${now}")
endif()
file(TOUCH "${STAMP}")
