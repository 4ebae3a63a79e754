/* SPDX-License-Identifier: MIT
 *
 * The tuning file: lenient where the core is strict, since tiles only make a plan faster.
 */
#include "ctx.h"

#define MAX_TUNING_BYTES (16l * 1024 * 1024) /* a file beyond this is not a tuning file */

/* What is broken is a warning here: the context goes on without the file. */
static void warn(void *user, vatten_log_level level, const char *message) {
    const vatten_context *context = user;
    (void)level;
    vt_ctx_log(context, VATTEN_LOG_WARN, "context: %s", message);
}

vatten_result vt_ctx_tuning_load(vatten_context *context, const char *path, vt_ctx_blob *out) {
    if (path == NULL || path[0] == '\0')
        return VATTEN_SUCCESS;
    const char *why = NULL;
    vatten_result result = vt_ctx_file_read(context, path, MAX_TUNING_BYTES, out, &why);
    if (why != NULL)
        vt_ctx_log(context, VATTEN_LOG_WARN, "context: tuning file %s is %s: it is ignored", path, why);
    if (result != VATTEN_SUCCESS || out->data == NULL)
        return result;
    const vatten_logger lenient = {warn, context};
    if (vatten_tuning_check(&lenient, out->data, out->size) == VATTEN_SUCCESS)
        return VATTEN_SUCCESS;
    vt_ctx_log(context, VATTEN_LOG_WARN, "context: tuning file %s is ignored", path);
    vt_ctx_release(context, out->data);
    *out = (vt_ctx_blob){0};
    return VATTEN_SUCCESS;
}
