/* SPDX-License-Identifier: MIT
 *
 * call_floor CALLS: what a small call costs without Python. The same uploads, run and download as vatten.attention of
 * [1, 1, 8, 16] makes; prints the median of CALLS in microseconds, and that of the fastest hundredth. call_overhead.py compares with it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <vatten/context.h>

#define TOKENS    8
#define DIM       16
#define MAX_CALLS 10000

typedef struct floor_case {
    vatten_context *context;
    vatten_plan *plan;
    vatten_memory *memories[4]; /* q, k, v, out */
} floor_case;

static double now_us(void) {
    struct timespec now = {0};
    timespec_get(&now, TIME_UTC);
    return (double)now.tv_sec * 1e6 + (double)now.tv_nsec * 1e-3;
}

static int ascending(const void *a, const void *b) {
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

static void say(void *user, vatten_log_level level, const char *message) {
    (void)user;
    if (level == VATTEN_LOG_ERROR)
        fprintf(stderr, "%s\n", message);
}

static vatten_result make(floor_case *c, uint64_t bytes) {
    const vatten_context_desc context = {.logger = {say, NULL}};
    vatten_result result = vatten_context_create(&context, &c->context);
    const vatten_attention_desc desc = {
        .heads = {.dtype = VATTEN_DTYPE_F32, .batch = 1, .heads = 1, .kv_heads = 1, .dim = DIM},
        .q_len = TOKENS,
        .kv_len = TOKENS};
    if (result == VATTEN_SUCCESS)
        result = vatten_attention_create(vatten_context_device(c->context), &desc, &c->plan);
    for (int i = 0; i < 4 && result == VATTEN_SUCCESS; i++)
        result = vatten_memory_create(c->context, bytes, &c->memories[i]);
    return result;
}

static vatten_result call(const floor_case *c, const float *in, float *out, uint64_t bytes) {
    vatten_result result = VATTEN_SUCCESS;
    for (int i = 0; i < 3 && result == VATTEN_SUCCESS; i++)
        result = vatten_memory_upload(c->memories[i], 0, in, bytes);
    const vatten_args args = {.q = vatten_memory_buffer(c->memories[0]),
                              .k = vatten_memory_buffer(c->memories[1]),
                              .v = vatten_memory_buffer(c->memories[2]),
                              .out = vatten_memory_buffer(c->memories[3])};
    double milliseconds = 0;
    if (result == VATTEN_SUCCESS)
        result = vatten_context_run(c->context, c->plan, &args, &milliseconds);
    if (result == VATTEN_SUCCESS)
        result = vatten_memory_download(c->memories[3], 0, out, bytes);
    return result;
}

static void destroy(floor_case *c) {
    for (int i = 0; i < 4; i++)
        vatten_memory_destroy(c->memories[i]);
    vatten_plan_destroy(c->plan);
    vatten_context_destroy(c->context);
}

int main(int argc, char **argv) {
    static double times[MAX_CALLS];
    static float in[TOKENS * DIM];
    static float out[TOKENS * DIM];
    long calls = argc > 1 ? strtol(argv[1], NULL, 10) : 500;
    if (calls < 1 || calls > MAX_CALLS) {
        fprintf(stderr, "call_floor CALLS: 1 to %d\n", MAX_CALLS);
        return 2;
    }
    floor_case c = {0};
    vatten_result result = make(&c, sizeof in);
    for (long i = 0; i < calls && result == VATTEN_SUCCESS; i++) {
        double start = now_us();
        result = call(&c, in, out, sizeof in);
        times[i] = now_us() - start;
    }
    destroy(&c);
    if (result != VATTEN_SUCCESS)
        return 1;
    qsort(times, (size_t)calls, sizeof times[0], ascending);
    printf("%.2f %.2f\n", times[calls / 2], times[calls / 100]);
    return 0;
}
