/* SPDX-License-Identifier: MIT
 *
 * Kernels as they come out of the library: whole modules of SPIR-V, and not a word more.
 */
#include "unit.h"

#include "kernels.h"

#include <stdlib.h>

enum { MAGIC = 0x07230203, FUNCTION_END = 56, GUARD = 0x5a5a5a5a };

/* The kernel between two guards of names and of code. */
typedef struct unpacked {
    uint32_t *names, *code;
    size_t name_count, count; /* words */
} unpacked;

static unpacked unpack(const vt_kernel *kernel, uint32_t before) {
    unpacked u = {.name_count = vt_kernel_pack.names, .count = kernel->code_size / 4};
    u.names = malloc((u.name_count + 1) * sizeof *u.names);
    u.code = malloc((u.count + 1) * sizeof *u.code);
    assert_true(u.names && u.code);
    for (size_t i = 0; i <= u.name_count; ++i)
        u.names[i] = before;
    for (size_t i = 0; i <= u.count; ++i)
        u.code[i] = before;
    u.names[u.name_count] = u.code[u.count] = GUARD;
    vt_kernel_code(kernel, u.names, u.code);
    assert_int_equal(u.names[u.name_count], GUARD);
    assert_int_equal(u.code[u.count], GUARD);
    return u;
}

static void release(unpacked *u) {
    free(u->names);
    free(u->code);
}

static void every_kernel_is_a_spirv_module(void **state) {
    (void)state;
    for (uint32_t i = 0; i < vt_kernel_count; ++i) {
        assert_true(vt_kernels[i].code_size > 20 && vt_kernels[i].code_size % 4 == 0);
        unpacked u = unpack(&vt_kernels[i], 0);
        assert_int_equal(u.code[0], MAGIC);
        /* SPIR-V 1.3 is the newest that Vulkan 1.1 takes; what MATRIX2 and MATRIX_WORKGROUP need is an extension
         * of 1.6 */
        bool newer = vt_kernels[i].layout == VATTEN_LAYOUT_MATRIX2 ||
                     vt_kernels[i].layout == VATTEN_LAYOUT_MATRIX_WORKGROUP;
        assert_true(u.code[1] <= (newer ? 0x00010600 : 0x00010300));
        uint32_t op = 0;
        size_t at = 5;
        while (at < u.count) {
            op = u.code[at] & 0xffff;
            assert_true(u.code[at] >> 16 > 0);
            at += u.code[at] >> 16;
        }
        assert_int_equal(at, u.count);
        assert_int_equal(op, FUNCTION_END);
        release(&u);
    }
}

/* Nothing of a kernel is what the memory held before. */
static void every_word_is_written(void **state) {
    (void)state;
    for (uint32_t i = 0; i < vt_kernel_count; ++i) {
        unpacked one = unpack(&vt_kernels[i], 0);
        unpacked other = unpack(&vt_kernels[i], UINT32_MAX);
        assert_memory_equal(one.code, other.code, one.count * sizeof *one.code);
        release(&one);
        release(&other);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kernel_is_a_spirv_module),
        cmocka_unit_test(every_word_is_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
