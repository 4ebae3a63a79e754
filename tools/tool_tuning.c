/* SPDX-License-Identifier: MIT */
#include "tool_tuning.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "say.h"
#include "staged.h"

enum { MOST_BYTES = 16 * 1024 * 1024 }; /* a file beyond this is not a tuning file */

static char *held;
static size_t held_size;

const char *tool_tuning_text(size_t *out_size) {
    *out_size = held_size;
    return held != NULL ? held : "";
}

/* The whole file, malloc'd; NULL with errno. */
static char *read_all(FILE *file, size_t *out_size) {
    char *text = malloc(MOST_BYTES + 1);
    if (text == NULL)
        return NULL;
    *out_size = fread(text, 1, MOST_BYTES + 1, file);
    if (ferror(file) == 0 && *out_size <= MOST_BYTES)
        return text;
    errno = ferror(file) ? EIO : EFBIG;
    free(text);
    return NULL;
}

bool tool_tuning_read(const char *path) {
    FILE *file = fopen(path, "rb");
    char *text = file != NULL ? read_all(file, &held_size) : NULL;
    int why = errno;
    if (file != NULL)
        fclose(file);
    free(held);
    held = text;
    if (text == NULL) {
        held_size = 0;
        say_error("%s cannot be read: %s", path, strerror(why));
        return false;
    }
    const vatten_logger logger = say_logger(false);
    if (vatten_tuning_check(&logger, text, held_size) == VATTEN_SUCCESS)
        return true;
    say_error("%s is no tuning file", path);
    return false;
}

/* The XDG specification ignores paths that are not absolute. */
static bool cache_folder(char *out, size_t out_size) {
    const char *cache = getenv("XDG_CACHE_HOME");
    const char *home = getenv("HOME");
    if (cache != NULL && cache[0] == '/')
        return snprintf(out, out_size, "%s/vatten", cache) < (int)out_size;
    if (home != NULL && home[0] == '/')
        return snprintf(out, out_size, "%s/.cache/vatten", home) < (int)out_size;
    return false;
}

/* FNV-1a, so that what is only told in words is part of a name too. */
static uint32_t mix(uint32_t hash, const char *word) {
    for (; *word != '\0'; ++word)
        hash = (hash ^ (unsigned char)*word) * 16777619u;
    return hash;
}

bool tool_tuning_path(vatten_context *context, char out_path[TOOL_TUNING_PATH]) {
    vatten_context_info info;
    vatten_device_info device;
    vatten_context_get_info(context, &info);
    vatten_device_get_info(vatten_context_device(context), &device);
    char folder[TOOL_TUNING_PATH - 128];
    if (!cache_folder(folder, sizeof folder)) {
        say_error("nowhere to remember tuning files: neither XDG_CACHE_HOME nor HOME is an absolute path");
        return false;
    }
    uint32_t words = mix(mix(2166136261u, device.name), device.driver_info);
    size_t used =
        (size_t)snprintf(out_path, TOOL_TUNING_PATH, "%s/tuning-%04x-%04x-%x-%08x-%08x-", folder,
                         device.vendor_id, device.device_id, device.driver_id, device.driver_version, words);
    for (size_t i = 0; i < sizeof info.cache_uuid; ++i)
        used += (size_t)snprintf(out_path + used, TOOL_TUNING_PATH - used, "%02x", info.cache_uuid[i]);
    snprintf(out_path + used, TOOL_TUNING_PATH - used, ".txt");
    return true;
}

bool tool_tuning_exists(const char *path) {
    return access(path, F_OK) == 0;
}

/* All folders above the file, for the user alone, as caches are. */
static bool make_folders(const char *path) {
    char folder[TOOL_TUNING_PATH];
    snprintf(folder, sizeof folder, "%s", path);
    for (char *at = strchr(folder + 1, '/'); at != NULL; at = strchr(at + 1, '/')) {
        *at = '\0';
        if (mkdir(folder, 0700) != 0 && errno != EEXIST) {
            say_error("%s cannot be made: %s", folder, strerror(errno));
            return false;
        }
        *at = '/';
    }
    return true;
}

bool tool_tuning_write(const char *path, const char *text, size_t size, bool folders) {
    char reason[STAGED_REASON];
    char *name = NULL;
    if (folders && !make_folders(path))
        return false;
    FILE *file = staged_open(path, &name, reason);
    bool good = file != NULL && staged_close(file, fwrite(text, 1, size, file) == size, &name, reason) &&
                staged_commit(path, name, reason);
    if (!good)
        say_error("%s: %s", path, reason);
    return good;
}
