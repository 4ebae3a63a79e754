/* SPDX-License-Identifier: MIT
 *
 * The smallest complete program: two heads of attention over 16 tokens, without a line of Vulkan. See
 * README.md.
 */
#include <vatten/context.h>

#include <math.h>
#include <stdio.h>

enum { TOKENS = 16, HEADS = 2, DIM = 32, COUNT = TOKENS * HEADS * DIM };

static float query_key[TOKENS][HEADS][DIM];
static float value[TOKENS][HEADS][DIM];
static float out[TOKENS][HEADS][DIM];

static void say(void *user, vatten_log_level level, const char *message) {
    (void)user;
    if (level != VATTEN_LOG_INFO)
        fprintf(stderr, "%s\n", message);
}

/* Head 0: tokens are alike when they are near, so each looks at its neighbours. Head 1 is all zero: each
 * token looks at all of them alike. The value is the token's number, so the output tells where a token
 * looked. */
static void make_tokens(void) {
    for (int token = 0; token < TOKENS; token++) {
        for (int i = 0; i < DIM; i++) {
            float angle = 0.1f * (float)(i / 2 + 1) * (float)token;
            query_key[token][0][i] = i % 2 == 0 ? cosf(angle) : sinf(angle);
            value[token][0][i] = value[token][1][i] = (float)token;
        }
    }
}

static vatten_result attend(vatten_context *context, double *gpu_ms) {
    vatten_attention_desc desc = {
        .heads = {.dtype = VATTEN_DTYPE_F32, .batch = 1, .heads = HEADS, .kv_heads = HEADS, .dim = DIM},
        .q_len = TOKENS,
        .kv_len = TOKENS};
    vatten_plan *plan = NULL;
    vatten_memory *memory[3] = {NULL};
    vatten_result result = vatten_attention_create(vatten_context_device(context), &desc, &plan);
    for (int i = 0; i < 3 && result == VATTEN_SUCCESS; i++)
        result = vatten_memory_create(context, sizeof out, &memory[i]);
    if (result == VATTEN_SUCCESS)
        result = vatten_memory_upload(memory[0], 0, query_key, sizeof query_key);
    if (result == VATTEN_SUCCESS)
        result = vatten_memory_upload(memory[1], 0, value, sizeof value);
    if (result == VATTEN_SUCCESS) {
        vatten_args args = {.q = vatten_memory_buffer(memory[0]),
                            .k = vatten_memory_buffer(memory[0]),
                            .v = vatten_memory_buffer(memory[1]),
                            .out = vatten_memory_buffer(memory[2])};
        result = vatten_context_run(context, plan, &args, gpu_ms);
    }
    if (result == VATTEN_SUCCESS)
        result = vatten_memory_download(memory[2], 0, out, sizeof out);
    for (int i = 0; i < 3; i++)
        vatten_memory_destroy(memory[i]);
    vatten_plan_destroy(plan);
    return result;
}

int main(void) {
    vatten_context_desc desc = {.logger = {.write = say}};
    vatten_context *context = NULL;
    double gpu_ms = 0;
    make_tokens();
    vatten_result result = vatten_context_create(&desc, &context);
    if (result == VATTEN_SUCCESS)
        result = attend(context, &gpu_ms);
    if (result == VATTEN_SUCCESS) {
        for (int token = 0; token < TOKENS; token++)
            printf("token %2d looks around %5.2f (head 0) and %5.2f (head 1)\n", token,
                   (double)out[token][0][0], (double)out[token][1][0]);
        printf("%.3f ms on the GPU\n", gpu_ms);
    }
    vatten_context_destroy(context);
    return result == VATTEN_SUCCESS ? 0 : 1;
}
