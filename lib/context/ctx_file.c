/* SPDX-License-Identifier: MIT
 *
 * Files as a whole.
 */
#include "ctx.h"

#include <errno.h>
#include <stdio.h>

static long file_size(FILE *file) {
    if (fseek(file, 0, SEEK_END) != 0)
        return -1;
    long size = ftell(file);
    return fseek(file, 0, SEEK_SET) == 0 ? size : -1;
}

static vatten_result read_content(const vatten_context *context, FILE *file, long most, vt_ctx_blob *out,
                                  const char **out_why) {
    long size = file_size(file);
    *out_why = size == 0                 ? "empty"
               : size < 0 || size > most ? "no file that can be read, or far too large"
                                         : NULL;
    if (*out_why != NULL)
        return VATTEN_SUCCESS;
    out->data = vt_ctx_alloc(context, (size_t)size);
    if (out->data == NULL)
        return VATTEN_ERROR_OUT_OF_HOST_MEMORY;
    out->size = fread(out->data, 1, (size_t)size, file);
    return VATTEN_SUCCESS;
}

vatten_result vt_ctx_file_read(const vatten_context *context, const char *path, long most, vt_ctx_blob *out,
                               const char **out_why) {
    errno = 0;
    FILE *file = fopen(path, "rb");
    *out_why = file == NULL && errno != ENOENT ? "not to be opened" : NULL;
    if (file == NULL)
        return VATTEN_SUCCESS; /* without a file it is the first run */
    vatten_result result = read_content(context, file, most, out, out_why);
    fclose(file);
    return result;
}
