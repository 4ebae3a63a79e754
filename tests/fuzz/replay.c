/* SPDX-License-Identifier: MIT
 *
 * The fuzzer's entry without a fuzzer: the files given, or random bytes for some seconds.
 *
 *   fuzz_replay_TARGET FILE...              each file once: the corpus, or what a fuzzer found
 *   fuzz_replay_TARGET -seconds N [-seed N] random inputs; a failure names the seed that repeats it at once
 */
#include "choices.h"
#include "fuzz_input.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define MOST_BYTES 1024
#define MOST_FILE  (1 << 20)

/* Of the input that is running: its file, or its seed. */
static const char *volatile current_file;
static volatile uint64_t current;

static void name_input(int signal_number) {
    if (current_file)
        fprintf(stderr, "fuzz_replay: failed with %s\n", current_file);
    else
        fprintf(stderr, "fuzz_replay: failed with -seed %llu\n", (unsigned long long)current);
    signal(signal_number, SIG_DFL);
    raise(signal_number);
}

/* From memory of the file's exact size, so that a sanitizer sees what is read behind it. */
static void replay_bytes(const uint8_t *bytes, size_t size) {
    uint8_t *exact = malloc(size ? size : 1);
    if (!exact)
        abort();
    memcpy(exact, bytes, size);
    LLVMFuzzerTestOneInput(exact, size);
    free(exact);
}

static int replay_file(const char *path) {
    static uint8_t bytes[MOST_FILE];
    FILE *file = fopen(path, "rb");
    if (!file) {
        perror(path);
        return 1;
    }
    size_t size = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    current_file = path;
    replay_bytes(bytes, size);
    current_file = NULL;
    return 0;
}

/* Mostly small numbers in the raw descs: those are the problems that are not refused at once. */
static size_t random_input(uint64_t seed, uint8_t *bytes) {
    unit_random random = {.state = seed};
    size_t size = (size_t)unit_between(&random, 2, MOST_BYTES);
    uint32_t zeros = (uint32_t)unit_between(&random, 0, 90);
    for (size_t i = 0; i < size; ++i)
        bytes[i] = unit_chance(&random, i == 0 ? 0 : zeros) ? 0 : (uint8_t)unit_next(&random);
    return size;
}

static int run_random(uint64_t seed, double seconds) {
    static uint8_t bytes[MOST_BYTES];
    double slowest = 0;
    clock_t begin = clock();
    uint64_t count = 0;
    do {
        current = seed + count;
        clock_t before = clock();
        replay_bytes(bytes, random_input(current, bytes));
        double took = (double)(clock() - before) / CLOCKS_PER_SEC;
        slowest = took > slowest ? took : slowest;
        if (took > 5.0) {
            fprintf(stderr, "fuzz_replay: -seed %llu took %.1f s\n", (unsigned long long)current, took);
            return 1;
        }
        ++count;
    } while ((double)(clock() - begin) / CLOCKS_PER_SEC < seconds);
    printf("%llu inputs, slowest %.3f s\n", (unsigned long long)count, slowest);
    return 0;
}

int main(int argc, char **argv) {
    double seconds = 0;
    uint64_t seed = 1;
    int failed = 0, files = 0;
    signal(SIGABRT, name_input);
    signal(SIGSEGV, name_input);
    signal(SIGFPE, name_input);
    for (int i = 1; i < argc; ++i) {
        bool more = i + 1 < argc;
        if (more && strcmp(argv[i], "-seconds") == 0)
            seconds = atof(argv[++i]);
        else if (more && strcmp(argv[i], "-seed") == 0)
            seed = strtoull(argv[++i], NULL, 10);
        else {
            failed |= replay_file(argv[i]);
            ++files;
        }
    }
    printf("%d files\n", files);
    return failed || (argc < 2 || seconds > 0 || seed != 1 ? run_random(seed, seconds) : 0);
}
