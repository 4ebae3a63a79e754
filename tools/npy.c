/* SPDX-License-Identifier: MIT */
#include "npy.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static bool fault(char reason[NPY_REASON], const char *text) {
    snprintf(reason, NPY_REASON, "%s", text);
    return false;
}

static bool out_of_memory(char reason[NPY_REASON], size_t bytes) {
    snprintf(reason, NPY_REASON, "out of memory: %zu bytes", bytes);
    return false;
}

/* ---- Reading ---- */

static bool cannot_read(char reason[NPY_REASON]) {
    snprintf(reason, NPY_REASON, "cannot be read: %s", strerror(errno));
    return false;
}

/* The head of so many bytes; the file stands at its data then. */
static bool read_head(FILE *file, uint64_t file_size, size_t size, npy_array *array,
                      char reason[NPY_REASON]) {
    char *head = malloc(size);
    if (head == NULL)
        return out_of_memory(reason, size);
    rewind(file);
    bool ok = fread(head, 1, size, file) == size ? npy_header_read(head, size, file_size, array, reason)
                                                 : cannot_read(reason);
    free(head);
    return ok;
}

static bool read_header(FILE *file, uint64_t file_size, npy_array *array, char reason[NPY_REASON]) {
    unsigned char start[NPY_START];
    size_t there = fread(start, 1, sizeof start, file);
    uint64_t size = npy_header_size(start, there, file_size, reason);
    return size != 0 && read_head(file, file_size, (size_t)size, array, reason);
}

static bool read_open_file(FILE *file, npy_array *array, char reason[NPY_REASON]) {
    struct stat status;
    if (fstat(fileno(file), &status) != 0)
        return cannot_read(reason);
    if (!S_ISREG(status.st_mode)) /* the size must be known before memory is asked for */
        return fault(reason, "not a regular file");
    if (!read_header(file, (uint64_t)status.st_size, array, reason))
        return false;
    array->data = malloc(array->bytes + 1); /* + 1: an empty array still gets a pointer */
    if (array->data == NULL)
        return out_of_memory(reason, array->bytes);
    if (fread(array->data, 1, array->bytes, file) != array->bytes)
        return cannot_read(reason);
    return true;
}

bool npy_read(const char *path, npy_array *out_array, char reason[NPY_REASON]) {
    memset(out_array, 0, sizeof *out_array);
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        snprintf(reason, NPY_REASON, "cannot be opened: %s", strerror(errno));
        return false;
    }
    bool ok = read_open_file(file, out_array, reason);
    fclose(file);
    if (!ok)
        npy_free(out_array);
    return ok;
}

void npy_free(npy_array *array) {
    free(array->data);
    memset(array, 0, sizeof *array);
}

/* ---- Writing ---- */

static bool write_all(FILE *file, const npy_array *array) {
    char head[NPY_HEADER_MAX];
    size_t length = npy_header_make(array, head);
    return fwrite(head, 1, length, file) == length &&
           fwrite(array->data, 1, array->bytes, file) == array->bytes;
}

bool npy_stage(const char *path, const npy_array *array, char **out_temporary, char reason[NPY_REASON]) {
    FILE *file = staged_open(path, out_temporary, reason);
    return file != NULL && staged_close(file, write_all(file, array), out_temporary, reason);
}
