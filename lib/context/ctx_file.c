/* SPDX-License-Identifier: MIT
 *
 * Files as a whole.
 */
#include "ctx.h"

#include <stdio.h>

static long file_size(FILE *file) {
    if (fseek(file, 0, SEEK_END) != 0)
        return -1;
    long size = ftell(file);
    return fseek(file, 0, SEEK_SET) == 0 ? size : -1;
}

vatten_result vt_ctx_file_read(const vatten_context *context, const char *path, long most, const char *noun,
                               vt_ctx_blob *out) {
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        return VATTEN_SUCCESS; /* the first run */
    vatten_result result = VATTEN_SUCCESS;
    long size = file_size(file);
    if (size > 0 && size <= most) {
        out->data = vt_ctx_alloc(context, (size_t)size);
        result = out->data != NULL ? VATTEN_SUCCESS : VATTEN_ERROR_OUT_OF_HOST_MEMORY;
    } else if (size != 0) {
        vt_ctx_log(context, VATTEN_LOG_WARN, "context: %s cannot be read or is no %s", path, noun);
    }
    if (out->data != NULL)
        out->size = fread(out->data, 1, (size_t)size, file);
    fclose(file);
    return result;
}
