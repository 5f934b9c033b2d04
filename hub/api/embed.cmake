# Makes of a folder with the console's build what is linked into syncline-hub: its bytes as they are
# and compressed, and the table of console.h.
#
#     cmake -DFROM=<folder> -DOUT=<folder> -P embed.cmake
#
# Writes OUT/console_files.cc and OUT/console_files.S. Without files the table is empty.
file(GLOB_RECURSE files RELATIVE "${FROM}" "${FROM}/*")
list(SORT files)
set(table "")
set(names "")
set(bytes "    .section .rodata\n")
set(number 0)
set(types_html "text/html; charset=utf-8")
set(types_js "text/javascript; charset=utf-8")
set(types_css "text/css; charset=utf-8")
set(types_svg "image/svg+xml")
set(types_json "application/json")
set(types_webmanifest "application/manifest+json")
set(types_txt "text/plain; charset=utf-8")
set(types_png "image/png")
set(types_ico "image/x-icon")
set(types_woff2 "font/woff2")
foreach(file IN LISTS files)
    get_filename_component(kind "${file}" LAST_EXT)
    string(SUBSTRING "${kind}" 1 -1 kind)
    if(NOT DEFINED types_${kind})
        message(FATAL_ERROR "${file}: no media type is known for .${kind}; add it to embed.cmake")
    endif()
    file(SHA256 "${FROM}/${file}" hash)
    string(SUBSTRING "${hash}" 0 16 hash)
    set(plain "${FROM}/${file}")
    set(zipped "${OUT}/file${number}.gz")
    set(smaller "{}")
    if(NOT kind MATCHES "png|ico|woff2")
        execute_process(COMMAND gzip -9nc "${plain}" OUTPUT_FILE "${zipped}"
            COMMAND_ERROR_IS_FATAL ANY)
        set(smaller "view(console_zipped${number}, console_zipped${number}_end)")
        string(APPEND names "extern const char console_zipped${number}[];\n"
            "extern const char console_zipped${number}_end[];\n")
        string(APPEND bytes "    .global console_zipped${number}, console_zipped${number}_end\n"
            "console_zipped${number}:\n    .incbin \"${zipped}\"\nconsole_zipped${number}_end:\n")
    endif()
    string(APPEND names "extern const char console_plain${number}[];\n"
        "extern const char console_plain${number}_end[];\n")
    string(APPEND bytes "    .global console_plain${number}, console_plain${number}_end\n"
        "console_plain${number}:\n    .incbin \"${plain}\"\nconsole_plain${number}_end:\n")
    string(APPEND table "        {\"/${file}\", \"${types_${kind}}\", \"${hash}\",\n"
        "         view(console_plain${number}, console_plain${number}_end), ${smaller}},\n")
    math(EXPR number "${number} + 1")
endforeach()
string(APPEND bytes "    .section .note.GNU-stack,\"\",%progbits\n")
set(head "#include <vector>\n\n#include \"hub/api/console.h\"\n\nextern \"C\" {\n${names}}\n\n")
file(WRITE "${OUT}/console_files.S" "${bytes}")
file(WRITE "${OUT}/console_files.cc" "${head}namespace syncline::hub::api {
namespace {
[[maybe_unused]] std::string_view view(const char* begin, const char* end) {
    return {begin, static_cast<std::size_t>(end - begin)};
}
}  // namespace
std::span<const ConsoleFile> console_files() {
    static const std::vector<ConsoleFile> files{
${table}    };
    return files;
}
}  // namespace syncline::hub::api
")
