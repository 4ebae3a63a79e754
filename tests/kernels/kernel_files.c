/* SPDX-License-Identifier: MIT
 *
 * kernel_files FOLDER: writes the SPIR-V of every kernel, as a driver gets it, to FOLDER/NAME.spv.
 * kernel_files --sizes: how many bytes each has, as CSV.
 */
#include "kernels.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool write_words(const char *path, const uint32_t *words, size_t count) {
    FILE *file = fopen(path, "wb");
    if (!file)
        return false;
    for (size_t i = 0; i < count; ++i)
        for (unsigned shift = 0; shift < 32; shift += 8)
            fputc((int)(words[i] >> shift & 0xff), file);
    bool written = !ferror(file);
    return fclose(file) == 0 && written;
}

static bool write_kernel(const char *folder, const vt_kernel *kernel) {
    char path[1024];
    uint32_t *names = malloc(vt_kernel_pack.names * sizeof *names);
    uint32_t *code = malloc(kernel->code_size);
    bool written = false;
    if (names && code && snprintf(path, sizeof path, "%s/%s.spv", folder, kernel->name) < (int)sizeof path) {
        vt_kernel_code(kernel, names, code);
        written = write_words(path, code, kernel->code_size / sizeof *code);
    }
    free(names);
    free(code);
    if (!written)
        fprintf(stderr, "kernel_files: '%s' cannot be written\n", kernel->name);
    return written;
}

static int print_sizes(void) {
    printf("kernel,spirv_bytes\n");
    for (uint32_t i = 0; i < vt_kernel_count; ++i)
        printf("%s,%u\n", vt_kernels[i].name, vt_kernels[i].code_size);
    return 0;
}

int main(int count, char **arguments) {
    if (count != 2) {
        fprintf(stderr, "usage: kernel_files FOLDER|--sizes\n");
        return 2;
    }
    if (strcmp(arguments[1], "--sizes") == 0)
        return print_sizes();
    for (uint32_t i = 0; i < vt_kernel_count; ++i)
        if (!write_kernel(arguments[1], &vt_kernels[i]))
            return 1;
    printf("%u kernels\n", vt_kernel_count);
    return 0;
}
