/* SPDX-License-Identifier: MIT */
#include "bench_suites.h"

#include <string.h>

#include "say.h"

static const bench_entry entries[] = {
    {"default",
     "attention",
     "a little of dense attention, causality, few queries and windows",
     false,
     {"attention --dims 64,128 --lens 1024x1024 --dtypes f32,f16 --causal none,last",
      "attention --dims 64,128 --lens 128x4096,1x4096 --dtypes f32,f16",
      "attention --dims 64 --lens 1024x1024 --heads 8 --kv-heads 2 --causal none",
      "neighborhood --dims 64 --heads 4 --extents 64x64 --windows 16 --strides 1,16 --causal none,all",
      "neighborhood --dims 64 --heads 4 --extents 16x16x16 --windows 8 --strides 1,8"}},
    {"quick",
     "attention",
     "the same in seconds",
     false,
     {"attention --dims 64 --heads 4 --lens 256x256 --causal none,last",
      "attention --dims 64 --heads 4 --lens 1x1024",
      "neighborhood --dims 64 --heads 2 --extents 32x32 --windows 7"}},
    {"dense",
     "attention",
     "dense attention without a mask: dims, dtypes, grouped heads, few queries",
     false,
     {"attention --dims 64,128 --lens 1024x1024,4096x4096 --heads 8 --dtypes f32,f16",
      "attention --dims 32,96,256 --lens 1024x1024 --heads 8 --dtypes f32",
      "attention --dims 64,128 --lens 2048x2048 --heads 8 --kv-heads 2 --dtypes bf16",
      "attention --dims 64,128 --lens 128x4096 --heads 8 --dtypes f32,f16"}},
    {"causal",
     "attention",
     "causal attention, with dense attention in turns",
     true,
     {"attention --dims 64,128 --lens 1024x1024,4096x4096 --heads 4 --dtypes f32,f16 --causal last",
      "attention --dims 64 --lens 1024x4096 --heads 4 --dtypes f32,f16 --causal last"}},
    {"window",
     "attention",
     "sliding windows of dense attention, two-sided and causal, with dense attention in turns",
     true,
     {"attention --dims 64 --lens 8192x8192 --heads 1 --dtypes f32,f16 --window 256,256",
      "attention --dims 64,128 --lens 8192x8192 --heads 1 --dtypes f32 --window 1023,0 --causal last",
      "attention --dims 64 --lens 8192x8192 --heads 1 --dtypes f16 --window 1023,0 --causal last --prefix 4",
      "attention --dims 64 --lens 8192x8192 --heads 1 --dtypes f32 --window 64,64"}},
    {"decode", "decode", "few new tokens over a long cache, contiguous and in pages", false, {NULL}},
    {"neighborhood",
     "attention",
     "windows of 1 to 3 axes: strides, dilations, causality, blocks",
     false,
     {"neighborhood --dims 64 --heads 4 --extents 4096 --windows 256 --strides 1,64,256 --causal none,all",
      "neighborhood --dims 64 --heads 4 --extents 64x64 --windows 7,16 --strides 1 --dilations 1,4 --causal "
      "none,all",
      "neighborhood --dims 64 --heads 4 --extents 64x64 --windows 16 --strides 4,16 --dtypes f32,f16",
      "neighborhood --dims 64 --heads 4 --extents 16x16x16 --windows 8 --strides 1,8 --dtypes f32,f16",
      "neighborhood --dims 128 --heads 4 --extents 64x64 --windows 16 --strides 1,16",
      "attention --dims 64 --heads 4 --lens 4096x4096"}}, /* what a window has to be faster than */
    {"block-sparse",
     "sparse",
     "attention over drawn lists of blocks, with dense attention in turns",
     false,
     {NULL}},
    {"selection",
     "sparse",
     "blocks pooled, scored, selected and attended to, part by part and as one plan",
     false,
     {NULL}},
    {"mass", "mass", "attention mass beside the attention that it follows", false, {NULL}},
    {"speedup",
     "attention",
     "neighborhoods small enough for --dense and --boxes", /* few heads */
     false,
     {"neighborhood --dims 64 --heads 2 --extents 64x64 --windows 16 --strides 1,4,16",
      "neighborhood --dims 64 --heads 1 --extents 128x128 --windows 13 --strides 1,4,13",
      "neighborhood --dims 64 --heads 1 --extents 8192 --windows 512 --strides 1,64,512",
      "neighborhood --dims 64 --heads 1 --extents 16x24x24 --windows 6x8x8 --strides 1,2x4x4,6x8x8"}},
    {"scaling", "scaling", "time and memory against tokens, with exponents", false, {NULL}},
    {"launch",
     "launch",
     "what a record and a plan cost the CPU, with a cold and a warm cache file",
     false,
     {NULL}},
};

const bench_entry *bench_suites_at(size_t index) {
    return index < sizeof entries / sizeof *entries ? &entries[index] : NULL;
}

const bench_entry *bench_suites_find(const char *name) {
    for (size_t i = 0; i < sizeof entries / sizeof *entries; ++i)
        if (strcmp(entries[i].name, name) == 0)
            return &entries[i];
    return NULL;
}

const char *bench_call_suite(const bench_call *call, bool has_lists, const char *own) {
    return call->suite != NULL ? call->suite->name : has_lists ? "" : own;
}

bool bench_call_is(const bench_call *call, const char *suite) {
    return call->suite != NULL && strcmp(call->suite->name, suite) == 0;
}

bool bench_call_fits(const bench_call *call, bool has_lists) {
    if (call->suite == NULL || !has_lists)
        return true;
    say_error("--suite and lists exclude each other");
    return false;
}
