/* SPDX-License-Identifier: MIT
 *
 * Appending to a cache: every pair of dtypes, kind of lengths and size of pages, strides, packed sequences, small bindings, one
 * recorded command buffer that is submitted while lengths grow, and tables that hold anything. Caches lie between guard zones
 * and are compared bit for bit.
 */
#include "append_run.h"

#define VK_NO_PROTOTYPES
#include <vulkan/vulkan.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static gpu device;
static gpu narrow; /* small bindings */

/* 3 batch entries, 2 KV heads of 4, 5 new tokens, 100 places. */
static append_trial plain(vatten_dtype dtype) {
    return (append_trial){
        .device = &device,
        .cache = {
            .heads = {.dtype = dtype, .batch = 3, .heads = 4, .kv_heads = 2, .dim = 32, .value_dim = 20},
            .q_len = 5,
            .kv_len = 100}};
}

static void expect(append_trial *t, const char *name, uint64_t got, uint64_t want) {
    if (got != want)
        gpu_fail(t->device, "%s: %u rows, not %u", name, (unsigned)got, (unsigned)want);
}

static void check(append_trial *t, const char *name, uint64_t rows) {
    if (append_begin(t, name))
        expect(t, name, append_check(t, name), rows);
    append_end(t);
}

/* ---- Numbers ---- */

static void test_dtypes(void **state) {
    (void)state;
    static const uint32_t dims[][2] = {{32, 20}, {7, 33}, {576, 512}};
    for (int rows = VATTEN_DTYPE_F32; rows <= VATTEN_DTYPE_BF16; ++rows)
        for (int cache = VATTEN_DTYPE_F32; cache <= VATTEN_DTYPE_BF16; ++cache)
            for (unsigned n = 0; n < COUNT(dims); ++n) {
                append_trial t = plain((vatten_dtype)cache);
                char name[64];
                snprintf(name, sizeof name, "%s to %s, dims %u and %u", gpu_dtype_name((vatten_dtype)rows),
                         gpu_dtype_name((vatten_dtype)cache), dims[n][0], dims[n][1]);
                t.desc.dtype = rows == cache && n ? (vatten_dtype)0 : (vatten_dtype)rows;
                t.cache.heads.dim = dims[n][0];
                t.cache.heads.value_dim = dims[n][1];
                if (gpu_has_dtype(&device, (vatten_dtype)rows) && gpu_has_dtype(&device, (vatten_dtype)cache))
                    check(&t, name, 2 * 3 * 5);
            }
    gpu_assert_clean(&device);
}

static void test_quantised(void **state) {
    (void)state;
    static const uint32_t shapes[][3] = {{4, 32, 20}, {32, 64, 32}, {192, 576, 192}};
    for (int rows = VATTEN_DTYPE_F32; rows <= VATTEN_DTYPE_BF16; ++rows)
        for (unsigned n = 0; n < COUNT(shapes); ++n) {
            append_trial t = plain(VATTEN_DTYPE_F32);
            char name[64];
            snprintf(name, sizeof name, "%s to i8 in blocks of %u", gpu_dtype_name((vatten_dtype)rows),
                     shapes[n][0]);
            t.desc.dtype = (vatten_dtype)rows;
            t.cache.heads.kv_dtype = VATTEN_DTYPE_I8;
            t.cache.heads.kv_block = shapes[n][0];
            t.cache.heads.dim = shapes[n][1];
            t.cache.heads.value_dim = shapes[n][2];
            t.cache.q_len = 11;
            if (n == 1) { /* rows that no vector can be read from, caches with gaps */
                t.desc.new_k = (vatten_strides){.batch = 11 * 131, .head = 65, .token = 131};
                t.cache.heads.k = (vatten_strides){.batch = 100 * 152, .head = 100 * 76, .token = 76};
            }
            if (gpu_has_dtype(&device, (vatten_dtype)rows))
                check(&t, name, 2 * 3 * 11);
        }
    gpu_assert_clean(&device);
}

/* ---- Lengths and pages ---- */

static void set_pages(append_trial *t, uint32_t size) {
    t->cache.page_size = size;
    uint64_t rows = t->cache.sequences ? t->cache.sequences : t->cache.heads.batch;
    t->cache.pool_pages = size ? rows * ((t->cache.kv_len + size - 1) / size) + 3 : 0;
}

static void check_lengths(append_trial *t, const char *name) {
    static const uint32_t kv[][3] = {{100, 5, 64}, {7, 0, 3}, {101, 99, 4000000000u}};
    static const uint32_t q[][3] = {{5, 1, 3}, {0, 2, 5}, {1, 6, 5}};
    static const unsigned rows[][3] = {{15, 15, 9}, {15, 8, 3}, {15, 5, 0}};
    bool both = t->cache.lengths == VATTEN_LENGTHS_BOTH;
    if (append_begin(t, name)) {
        for (unsigned n = 0; n < 3; ++n) {
            for (unsigned b = 0; b < 3; ++b) {
                if (t->cache.lengths != VATTEN_LENGTHS_PLAN)
                    *append_table(t, t->at.kv_lengths, b) = kv[n][b];
                if (both)
                    *append_table(t, t->at.q_lengths, b) = q[n][b];
            }
            if (t->cache.page_size)
                append_draw_pages(t, n + 1);
            expect(t, name, append_check(t, name), 2 * rows[n][t->cache.lengths]);
        }
    }
    append_end(t);
}

static void test_lengths(void **state) {
    (void)state;
    static const uint32_t pages[] = {0, 1, 16, 61};
    for (int lengths = VATTEN_LENGTHS_PLAN; lengths <= VATTEN_LENGTHS_BOTH; ++lengths)
        for (unsigned n = 0; n < COUNT(pages); ++n) {
            append_trial t = plain(VATTEN_DTYPE_F32);
            char name[64];
            snprintf(name, sizeof name, "lengths %d, pages of %u", lengths, pages[n]);
            t.cache.lengths = (vatten_lengths)lengths;
            t.cache.heads.max_moves = n % 2 ? 1 + 100 * n : 0; /* a row of a head, then a few */
            set_pages(&t, pages[n]);
            check_lengths(&t, name);
        }
    gpu_assert_clean(&device);
}

/* Those of a record take the place of the plan's. */
static void test_lengths_of_a_record(void **state) {
    (void)state;
    static const struct {
        uint64_t q_len, kv_len;
        unsigned rows;
    } cases[] = {{3, 50, 9}, {0, 2, 6}, {1, 0, 3}, {VATTEN_EMPTY, 0, 0}, {0, VATTEN_EMPTY, 0}};
    for (unsigned n = 0; n < COUNT(cases); ++n) {
        append_trial t = plain(VATTEN_DTYPE_F32);
        t.q_len = cases[n].q_len;
        t.kv_len = cases[n].kv_len;
        check(&t, "lengths of a record", 2 * cases[n].rows);
    }
    append_trial t = plain(VATTEN_DTYPE_F32);
    t.cache.lengths = VATTEN_LENGTHS_KV;
    t.q_len = 2;
    t.kv_len = 50;
    if (append_begin(&t, "bounds of a record")) {
        for (unsigned b = 0; b < 3; ++b)
            *append_table(&t, t.at.kv_lengths, b) = 49 + b; /* the last is too long */
        expect(&t, "bounds of a record", append_check(&t, "bounds of a record"), 2 * 2 * 2);
    }
    append_end(&t);
    gpu_assert_clean(&device);
}

static void test_packed_sequences(void **state) {
    (void)state;
    static const uint32_t q[] = {0, 0, 4, 4, 5, 12}, kv[] = {0, 7, 11, 20, 60, 64};
    static const uint32_t lengths[] = {9, 4, 0, 1, 40};
    static const uint32_t pages[] = {0, 1, 16, 61};
    for (unsigned n = 0; n < COUNT(pages); ++n) {
        append_trial t = plain(VATTEN_DTYPE_F32);
        char name[64];
        snprintf(name, sizeof name, "packed, pages of %u", pages[n]);
        t.cache.heads.batch = 1;
        t.cache.lengths = VATTEN_LENGTHS_PACKED;
        t.cache.sequences = 5;
        t.cache.q_len = 12;
        t.cache.kv_len = pages[n] ? 40 : 64;
        set_pages(&t, pages[n]);
        if (append_begin(&t, name)) {
            memcpy(append_table(&t, t.at.q_starts, 0), q, sizeof q);
            if (pages[n]) {
                memcpy(append_table(&t, t.at.kv_lengths, 0), lengths, sizeof lengths);
                append_draw_pages(&t, n);
            } else {
                memcpy(append_table(&t, t.at.kv_starts, 0), kv, sizeof kv);
            }
            /* without pages the last has 4 places for its 7 rows */
            expect(&t, name, append_check(&t, name), 2 * (pages[n] ? 12 : 9));
        }
        append_end(&t);
    }
    gpu_assert_clean(&device);
}

/* ---- Memory ---- */

static void test_strides(void **state) {
    (void)state;
    for (unsigned n = 0; n < 4; ++n) {
        append_trial t =
            plain(n % 2 && gpu_has_dtype(&device, VATTEN_DTYPE_F16) ? VATTEN_DTYPE_F16 : VATTEN_DTYPE_F32);
        int64_t gap = n < 2 ? 4 : 3;
        set_pages(&t, n % 2 ? 16 : 0);
        int64_t places = n % 2 ? 16 : 100, row = 32 + gap;
        t.desc.new_k = (vatten_strides){.batch = 0, .head = 5 * row, .token = row}; /* one for all */
        t.desc.new_v = (vatten_strides){.batch = 11 * 2 * row, .head = row, .token = 2 * row};
        t.cache.heads.k =
            (vatten_strides){.batch = 2 * places * row + gap, .head = places * row, .token = row};
        t.cache.heads.v =
            (vatten_strides){.batch = places * 3 * row, .head = 20 + gap, .token = 3 * row + gap - 4};
        if (append_begin(&t, "strides")) {
            if (n % 2)
                append_draw_pages(&t, n);
            expect(&t, "strides", append_check(&t, "strides"), 30);
        }
        append_end(&t);
    }
    gpu_assert_clean(&device);
}

/* Pages that hold the keys and the values of a token and head beside each other; and no values at all. */
static void test_one_buffer(void **state) {
    (void)state;
    append_trial t = plain(VATTEN_DTYPE_F32);
    t.cache.heads.dim = t.cache.heads.value_dim = 64;
    t.one_buffer = true;
    t.cache.heads.k = t.cache.heads.v =
        (vatten_strides){.batch = 16 * 256, .head = 128, .token = 256}; /* [page][place][head][k or v] */
    set_pages(&t, 16);
    if (device.limits.storage_alignment <= 256 && append_begin(&t, "one buffer")) {
        append_draw_pages(&t, 3);
        expect(&t, "one buffer", append_check(&t, "one buffer"), 30);
    }
    append_end(&t);
    t = plain(VATTEN_DTYPE_F32);
    t.desc.keys_only = true;
    check(&t, "keys only", 15);
    gpu_assert_clean(&device);
}

/* A binding holds a part of the rows and a part of the cache. */
static void test_small_bindings(void **state) {
    (void)state;
    for (unsigned n = 0; n < 6; ++n) {
        append_trial t = plain(VATTEN_DTYPE_F32);
        char name[64];
        snprintf(name, sizeof name, "small bindings %u", n);
        t.device = &narrow;
        t.cache.q_len = 300;
        t.cache.kv_len = 700;
        t.cache.lengths = n % 3 == 2 ? VATTEN_LENGTHS_KV : VATTEN_LENGTHS_PLAN;
        if (n % 2)
            t.cache.heads.k = (vatten_strides){.batch = 2 * 700 * 32, .head = 700 * 32, .token = 32};
        if (n >= 3) {
            t.cache.heads.k = (vatten_strides){0, 0, 0};
            set_pages(&t, n == 3 ? 16 : n == 4 ? 61 : 400);
        }
        if (append_begin(&t, name)) {
            for (unsigned b = 0; b < 3 && t.cache.lengths == VATTEN_LENGTHS_KV; ++b)
                *append_table(&t, t.at.kv_lengths, b) = 300 + 200 * b;
            if (t.cache.page_size)
                append_draw_pages(&t, n);
            if (t.info.dispatches < 100)
                gpu_fail(&narrow, "%s: %u dispatches", name, t.info.dispatches);
            expect(&t, name, append_check(&t, name), 2 * 3 * 300);
        }
        append_end(&t);
    }
    gpu_assert_clean(&narrow);
}

/* ---- Again and again ---- */

typedef struct commands {
    VkDevice device;
    VkQueue queue;
    VkCommandPool pool;
    VkCommandBuffer buffer;
    PFN_vkGetInstanceProcAddr get;
    VkInstance instance;
} commands;

#define CALL(C, NAME) ((PFN_##NAME)(C)->get((C)->instance, #NAME))

static void open_commands(commands *c) {
    vatten_context_info info;
    vatten_context_get_info(device.context, &info);
    *c = (commands){.device = vatten_context_vk_device(device.context),
                    .get = vatten_context_get_instance_proc_addr(device.context),
                    .instance = vatten_context_instance(device.context)};
    const VkCommandPoolCreateInfo pool = {.sType = VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO,
                                          .queueFamilyIndex = info.queue_family};
    VkCommandBufferAllocateInfo buffer = {.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO,
                                          .commandBufferCount = 1};
    const VkCommandBufferBeginInfo begin = {.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO};
    CALL(c, vkGetDeviceQueue)(c->device, info.queue_family, 0, &c->queue);
    assert_int_equal(CALL(c, vkCreateCommandPool)(c->device, &pool, NULL, &c->pool), VK_SUCCESS);
    buffer.commandPool = c->pool;
    assert_int_equal(CALL(c, vkAllocateCommandBuffers)(c->device, &buffer, &c->buffer), VK_SUCCESS);
    assert_int_equal(CALL(c, vkBeginCommandBuffer)(c->buffer, &begin), VK_SUCCESS);
}

static void wait_for_all(const commands *c) {
    const VkMemoryBarrier all = {.sType = VK_STRUCTURE_TYPE_MEMORY_BARRIER,
                                 .srcAccessMask = VK_ACCESS_MEMORY_WRITE_BIT,
                                 .dstAccessMask = VK_ACCESS_MEMORY_READ_BIT | VK_ACCESS_MEMORY_WRITE_BIT};
    CALL(c, vkCmdPipelineBarrier)
    (c->buffer, VK_PIPELINE_STAGE_ALL_COMMANDS_BIT, VK_PIPELINE_STAGE_ALL_COMMANDS_BIT, 0, 1, &all, 0, NULL,
     0, NULL);
}

static void submit(const commands *c) {
    const VkSubmitInfo info = {
        .sType = VK_STRUCTURE_TYPE_SUBMIT_INFO, .commandBufferCount = 1, .pCommandBuffers = &c->buffer};
    assert_int_equal(CALL(c, vkQueueSubmit)(c->queue, 1, &info, VK_NULL_HANDLE), VK_SUCCESS);
    assert_int_equal(CALL(c, vkQueueWaitIdle)(c->queue), VK_SUCCESS);
}

/* The cache keeps what earlier submissions wrote: what was seen is the next one's image. */
static void step(append_trial *t, const commands *c, unsigned n, const uint32_t lengths[3]) {
    memcpy(append_table(t, t->at.kv_lengths, 0), lengths, 3 * sizeof *lengths);
    append_fill(t, n + 2);
    for (int r = 0; r < APPEND_REGIONS; ++r)
        if (r != APPEND_CACHE_K && r != APPEND_CACHE_V)
            assert_true(gpu_region_upload(&t->region[r]));
    submit(c);
    uint8_t *kept[APPEND_REGIONS] = {0};
    for (int r = 0; r < APPEND_REGIONS; ++r) {
        assert_true(gpu_region_download(&t->region[r]));
        kept[r] = malloc((size_t)t->region[r].total);
        assert_non_null(kept[r]);
        memcpy(kept[r], t->region[r].seen, (size_t)t->region[r].total);
    }
    append_compare(t, "submitted again");
    for (int r = 0; r < APPEND_REGIONS; ++r) {
        memcpy(t->region[r].image, kept[r], (size_t)t->region[r].total);
        free(kept[r]);
    }
}

static void test_one_recording_many_submissions(void **state) {
    (void)state;
    append_trial t = plain(VATTEN_DTYPE_F32);
    vatten_recorder *recorder = NULL;
    commands c;
    t.cache.lengths = VATTEN_LENGTHS_KV;
    t.cache.q_len = 1;
    set_pages(&t, 16);
    assert_true(append_begin(&t, "submitted again"));
    append_draw_pages(&t, 9);
    for (int r = 0; r < APPEND_REGIONS; ++r)
        assert_true(gpu_region_upload(&t.region[r]));
    const vatten_args args = append_args(&t);
    assert_int_equal(vatten_recorder_create(device.device, NULL, &recorder), VATTEN_SUCCESS);
    open_commands(&c);
    wait_for_all(&c);
    assert_int_equal(vatten_record(recorder, c.buffer, t.plan, &args), VATTEN_SUCCESS);
    wait_for_all(&c);
    assert_int_equal(CALL(&c, vkEndCommandBuffer)(c.buffer), VK_SUCCESS);
    for (unsigned n = 0; n < 40; ++n)
        step(&t, &c, n, (uint32_t[]){n + 1, n < 20 ? 14 + n : 0, 98 + n}); /* the last is full soon */
    CALL(&c, vkDestroyCommandPool)(c.device, c.pool, NULL);
    vatten_recorder_destroy(recorder);
    append_end(&t);
    gpu_check_validation(&device, "submitted again");
    gpu_assert_clean(&device);
}

/* ---- What attention makes of it ---- */

/* Attends over caches that were filled by appends of `chunk` tokens at a time; out is [q][heads][dim] of the last 4 tokens. */
static bool attend_by_chunks(uint64_t chunk, float *out, size_t out_bytes) {
    enum { TOKENS = 48, ROW = 2 * 16 * 4, SIZE = TOKENS * ROW };
    vatten_attention_desc cache = {
        .heads = {.dtype = VATTEN_DTYPE_F32, .batch = 1, .heads = 4, .kv_heads = 2, .dim = 16},
        .q_len = chunk,
        .kv_len = TOKENS,
        .causal = true};
    const vatten_append_desc append = {.attention = &cache};
    vatten_plan *appends = NULL, *attends = NULL;
    vatten_memory *m[4] = {0}; /* new rows, k, v, out */
    static float rows[TOKENS * 2 * 16];
    bool good = vatten_append_create(device.device, &append, &appends) == VATTEN_SUCCESS;
    cache.q_len = 4;
    good = good && vatten_attention_create(device.device, &cache, &attends) == VATTEN_SUCCESS;
    for (int n = 0; n < 4 && good; ++n)
        good = vatten_memory_create(device.context, SIZE, &m[n]) == VATTEN_SUCCESS;
    for (unsigned n = 0; n < COUNT(rows); ++n)
        rows[n] = ref_random(7, n);
    vatten_args args = {.k = vatten_memory_buffer(m[0]), .v = vatten_memory_buffer(m[0])};
    args.cache_k = vatten_memory_buffer(m[1]);
    args.cache_v = vatten_memory_buffer(m[2]);
    for (uint64_t at = chunk; at <= TOKENS && good; at += chunk) {
        args.kv_len = at;
        good = vatten_memory_upload(m[0], 0, rows + (at - chunk) * 32, chunk * ROW) == VATTEN_SUCCESS &&
               vatten_context_run(device.context, appends, &args, NULL) == VATTEN_SUCCESS;
    }
    args = (vatten_args){.q = vatten_memory_buffer(m[0]),
                         .k = vatten_memory_buffer(m[1]),
                         .v = vatten_memory_buffer(m[2]),
                         .out = vatten_memory_buffer(m[3])};
    good = good && vatten_memory_upload(m[0], 0, rows, SIZE) == VATTEN_SUCCESS &&
           vatten_context_run(device.context, attends, &args, NULL) == VATTEN_SUCCESS &&
           vatten_memory_download(m[3], 0, out, out_bytes) == VATTEN_SUCCESS;
    for (int n = 0; n < 4; ++n)
        vatten_memory_destroy(m[n]);
    vatten_plan_destroy(appends);
    vatten_plan_destroy(attends);
    return good;
}

static void test_attention_reads_what_was_appended(void **state) {
    (void)state;
    float whole[4 * 4 * 16], pieces[4 * 4 * 16];
    bool good = attend_by_chunks(48, whole, sizeof whole) && attend_by_chunks(6, pieces, sizeof pieces);
    if (!good || memcmp(whole, pieces, sizeof whole) != 0 || whole[0] != whole[0])
        gpu_fail(&device, "attention over appended rows differs: %s", device.message);
    gpu_check_validation(&device, "attention over appended rows");
    gpu_assert_clean(&device);
}

/* ---- Pages that are not there; other tables that should not be are in test_hostile.c ---- */

static void test_pages_that_are_not_there(void **state) {
    (void)state;
    append_trial t = plain(VATTEN_DTYPE_F32);
    set_pages(&t, 2);
    if (append_begin(&t, "pages that are not there")) {
        append_draw_pages(&t, 5);
        /* places 95 .. 99 are on pages 47 to 49 */
        *append_table(&t, t.at.pages, 47) = (uint32_t)t.cache.pool_pages;
        *append_table(&t, t.at.pages, 50 + 48) = UINT32_MAX;
        *append_table(&t, t.at.pages, 100 + 49) = 0x80000000u;
        expect(&t, "pages that are not there", append_check(&t, "pages that are not there"), 2 * (4 + 3 + 3));
    }
    append_end(&t);
    gpu_assert_clean(&device);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dtypes),
        cmocka_unit_test(test_quantised),
        cmocka_unit_test(test_lengths),
        cmocka_unit_test(test_lengths_of_a_record),
        cmocka_unit_test(test_packed_sequences),
        cmocka_unit_test(test_strides),
        cmocka_unit_test(test_one_buffer),
        cmocka_unit_test(test_small_bindings),
        cmocka_unit_test(test_one_recording_many_submissions),
        cmocka_unit_test(test_attention_reads_what_was_appended),
        cmocka_unit_test(test_pages_that_are_not_there),
    };
    const vatten_context_desc less = {.cap_storage_range = 16384};
    int opened = gpu_open(&device, "test_append", NULL);
    if (opened)
        return opened;
    opened = gpu_open(&narrow, "test_append", &less);
    int failed = opened ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
    return gpu_close(&narrow, 0) + gpu_close(&device, failed);
}
