/* SPDX-License-Identifier: MIT
 *
 * Outline: lines; words of a line, each a key and a value; values by tables of keys; rows of the sections that are for
 * the device. Nothing is read outside [text, text + size), and a line is judged whole, whichever device it is for.
 */
#include "tune_file.h"

#include "log.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

typedef struct span {
    const char *at;
    size_t size;
} span;

/* What a device line asks for; a bit of `given` for each key. */
typedef struct device_rule {
    uint32_t given;
    uint32_t ids[4]; /* vendor, device, driver, version */
    span texts[2];   /* build, name */
} device_rule;

typedef struct row_rule {
    uint32_t given;
    vt_tune_row row;
    span tile; /* as it is written */
} row_rule;

typedef struct reader {
    const vt_caps *caps;
    const vatten_logger *logger;
    span rest;
    uint32_t line;
    bool in_device; /* a device line was there */
    bool mine;      /* and is about the device */
    bool ended;
    vt_tuning *tuning;
} reader;

/* ---- Messages ---- */

static bool broken(const reader *r, const char *format, ...) VT_PRINTF(2, 3);

/* Always false. */
static bool broken(const reader *r, const char *format, ...) {
    char text[256];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    vt_log(r->logger, VATTEN_LOG_ERROR, NULL, "tuning: line %" PRIu32 ": %s", r->line, text);
    return false;
}

/* For %.*s: enough of a word to find it again. */
static int shown(span s) {
    return s.size < 40 ? (int)s.size : 40;
}

/* ---- Spans ---- */

static bool is(span s, const char *word) {
    return s.size == strlen(word) && memcmp(s.at, word, s.size) == 0;
}

static span from(span s, size_t start) {
    return (span){s.at + start, s.size - start};
}

/* Up to the first `c`, which is left out of both parts; all of it where there is none. */
static span take_until(span *s, char c) {
    const char *found = s->size ? memchr(s->at, c, s->size) : NULL;
    span head = {s->at, found ? (size_t)(found - s->at) : s->size};
    *s = from(*s, found ? head.size + 1 : head.size);
    return head;
}

static bool is_blank(char c) {
    return c == ' ' || c == '\t';
}

static span trimmed(span s) {
    while (s.size && is_blank(s.at[0]))
        s = from(s, 1);
    while (s.size && is_blank(s.at[s.size - 1]))
        --s.size;
    return s;
}

/* The next line without its end, LF or CR LF. */
static span take_line(reader *r) {
    span line = take_until(&r->rest, '\n');
    if (line.size && line.at[line.size - 1] == '\r')
        --line.size;
    ++r->line;
    return line;
}

static bool is_text(const reader *r, span line) {
    for (size_t i = 0; i < line.size; ++i) {
        unsigned char byte = (unsigned char)line.at[i];
        if ((byte < 0x20 && byte != '\t') || byte == 0x7f)
            return broken(r, "byte %zu is 0x%02x: no text", i + 1, (unsigned)byte);
    }
    return true;
}

/* Cuts the line at the first # that stands at its start or behind a blank, and outside of quotes; what stands behind
 * it is the comment. */
static span take_comment(span *line) {
    bool quoted = false;
    for (size_t i = 0; i < line->size; ++i) {
        quoted ^= line->at[i] == '"';
        if (line->at[i] != '#' || quoted || (i > 0 && !is_blank(line->at[i - 1])))
            continue;
        span comment = trimmed(from(*line, i + 1));
        line->size = i;
        return comment;
    }
    return (span){line->at + line->size, 0};
}

/* The next word of a line; blanks in quotes are part of it. Empty at the end. */
static span take_word(span *line) {
    *line = trimmed(*line);
    bool quoted = false;
    size_t size = 0;
    for (; size < line->size && (quoted || !is_blank(line->at[size])); ++size)
        quoted ^= line->at[size] == '"';
    span word = {line->at, size};
    *line = from(*line, size);
    return word;
}

/* ---- Values ---- */

static int digit_of(char c) {
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : 99;
}

/* Decimal, or hexadecimal with lower-case digits behind 0x. */
static bool number(span s, uint32_t *out) {
    bool hex = s.size > 2 && s.at[0] == '0' && s.at[1] == 'x';
    uint64_t base = hex ? 16 : 10;
    uint64_t value = 0;
    s = hex ? from(s, 2) : s;
    for (size_t i = 0; i < s.size; ++i) {
        int digit = digit_of(s.at[i]);
        value = value * base + (uint64_t)digit;
        if ((uint64_t)digit >= base || value > UINT32_MAX)
            return false;
    }
    *out = (uint32_t)value;
    return s.size > 0;
}

static bool take_number(const reader *r, const char *key, span s, uint32_t low, uint32_t high,
                        uint32_t *out) {
    if (number(s, out) && *out >= low && *out <= high)
        return true;
    return broken(r, "%s: '%.*s' is no number from %" PRIu32 " to %" PRIu32, key, shown(s), s.at, low, high);
}

/* "A..B", "A..", or "A", which is A..A. */
static bool take_range(const reader *r, const char *key, span s, uint32_t high, uint32_t *out_low,
                       uint32_t *out_high) {
    span last = s;
    span first = take_until(&last, '.');
    bool single = first.size == s.size;
    if (!single && (last.size == 0 || last.at[0] != '.'))
        return broken(r, "%s: '%.*s' is no range such as 33..64", key, shown(s), s.at);
    *out_high = high;
    last = single ? first : from(last, 1);
    if (!take_number(r, key, first, 1, high, out_low) ||
        (last.size && !take_number(r, key, last, 1, high, out_high)))
        return false;
    return *out_low <= *out_high ||
           broken(r, "%s: %" PRIu32 "..%" PRIu32 " is empty", key, *out_low, *out_high);
}

/* The index of a word among `words`, separated by |, or -1. */
static int index_of(span s, const char *words) {
    span rest = {words, strlen(words)};
    for (int index = 0; rest.size; ++index) {
        span word = take_until(&rest, '|');
        if (word.size == s.size && memcmp(word.at, s.at, s.size) == 0)
            return index;
    }
    return -1;
}

static bool take_choice(const reader *r, const char *key, span s, const char *words, int *out) {
    *out = index_of(s, words);
    return *out >= 0 || broken(r, "%s: '%.*s' is not one of %s", key, shown(s), s.at, words);
}

/* "f16,bf16": a bit for each word. */
static bool take_choices(const reader *r, const char *key, span s, const char *words, uint32_t *out) {
    int index;
    *out = 0;
    do {
        if (!take_choice(r, key, take_until(&s, ','), words, &index))
            return false;
        *out |= 1u << index;
    } while (s.size);
    return true;
}

/* ---- Rows ---- */

static bool take_layout(const reader *r, span s, row_rule *rule) {
    int index;
    if (!take_choice(r, "layout", s,
                     "rows|subgroup|shared|matrix|stream|matrix2|address|matrix_workgroup|packed|packed_"
                     "shared|half|mixed|dot",
                     &index))
        return false;
    rule->row.layout = (vatten_layout)(VATTEN_LAYOUT_ROWS + index);
    return true;
}

static bool take_tile(const reader *r, span s, row_rule *rule) {
    uint32_t *const parts[4] = {&rule->row.workgroup, &rule->row.rows, &rule->row.keys,
                                &rule->row.lanes_per_row};
    span rest = s;
    for (int i = 0; i < 4; ++i)
        if (!take_number(r, "tile", take_until(&rest, ','), 1, UINT32_MAX, parts[i]))
            return false;
    rule->tile = s;
    return rest.size == 0 ||
           broken(r, "tile %.*s: more than workgroup, rows, keys and lanes per row", shown(s), s.at);
}

/* Once the layout is known. */
static bool check_tile(const reader *r, const row_rule *rule) {
    const vt_tune_row *row = &rule->row;
    const vt_tile tile = {row->layout, row->workgroup, row->rows, row->keys, row->lanes_per_row};
    const char *why = vt_tile_malformed(&tile);
    return !why || broken(r, "tile %.*s: %s", shown(rule->tile), rule->tile.at, why);
}

static bool take_when(const reader *r, span s, row_rule *rule) {
    int index;
    if (!take_choice(r, "when", s, "any|asked", &index))
        return false;
    rule->row.when = index ? VT_TUNE_ASKED : VT_TUNE_ANY;
    return true;
}

static bool take_tasks(const reader *r, span s, row_rule *rule) {
    return take_choices(r, "task", s, "attention|neighborhood|lists|mass", &rule->row.tasks);
}

static bool take_dtypes(const reader *r, span s, row_rule *rule) {
    bool good = take_choices(r, "dtype", s, "f32|f16|bf16", &rule->row.dtypes);
    rule->row.dtypes <<= VATTEN_DTYPE_F32;
    return good;
}

static bool take_dims(const reader *r, span s, row_rule *rule) {
    return take_range(r, "dim", s, VATTEN_MAX_DIM, &rule->row.min_dim, &rule->row.max_dim);
}

/* A range without an end is for any number of rows, even those that are too many to count. */
static bool take_rows(const reader *r, span s, row_rule *rule) {
    bool good = take_range(r, "rows", s, UINT32_MAX, &rule->row.min_rows, &rule->row.max_rows);
    if (rule->row.max_rows == UINT32_MAX)
        rule->row.max_rows = 0;
    return good;
}

static bool take_percent(const reader *r, span s, row_rule *rule) {
    return take_number(r, "percent", s, 1, 100, &rule->row.percent);
}

static const struct {
    const char *key;
    bool (*take)(const reader *r, span value, row_rule *rule);
} row_keys[] = {
    {"layout", take_layout}, {"tile", take_tile}, {"when", take_when}, {"task", take_tasks},
    {"dtype", take_dtypes},  {"dim", take_dims},  {"rows", take_rows}, {"percent", take_percent},
};
enum { ROW_REQUIRED = 2 }; /* the first keys */

/* ---- Devices ---- */

static const char *const device_keys[] = {"vendor", "device", "driver", "version", "build", "name"};
enum { DEVICE_IDS = 4, DEVICE_KEYS = 6 };

static bool take_device_value(const reader *r, size_t key, span s, device_rule *rule) {
    if (key < DEVICE_IDS)
        return take_number(r, device_keys[key], s, 0, UINT32_MAX, &rule->ids[key]);
    if (s.size < 2 || s.at[0] != '"' || memchr(s.at + 1, '"', s.size - 1) != s.at + s.size - 1)
        return broken(r, "%s: '%.*s' is not in quotes", device_keys[key], shown(s), s.at);
    rule->texts[key - DEVICE_IDS] = (span){s.at + 1, s.size - 2};
    return true;
}

static bool id_is(const reader *r, const device_rule *rule, size_t key, uint32_t own) {
    bool same = !(rule->given & 1u << key) || rule->ids[key] == own;
    if (!same)
        vt_log(r->logger, VATTEN_LOG_INFO, NULL,
               "tuning: line %" PRIu32 ": rows for another device: %s 0x%" PRIx32
               ", that of %s is 0x%" PRIx32,
               r->line, device_keys[key], rule->ids[key], r->caps->name, own);
    return same;
}

static bool text_is(const reader *r, const device_rule *rule, size_t key, const char *own) {
    const span text = rule->texts[key - DEVICE_IDS];
    bool same = !(rule->given & 1u << key) || is(text, own);
    if (!same)
        vt_log(r->logger, VATTEN_LOG_INFO, NULL,
               "tuning: line %" PRIu32 ": rows for another device: %s \"%.*s\", that of %s is \"%s\"",
               r->line, device_keys[key], shown(text), text.at, r->caps->name, own);
    return same;
}

/* Whether all that is given is so; else tells the first that is not. */
static bool is_mine(const reader *r, const device_rule *rule) {
    const vt_caps *caps = r->caps;
    return caps && id_is(r, rule, 0, caps->vendor_id) && id_is(r, rule, 1, caps->device_id) &&
           id_is(r, rule, 2, caps->driver_id) && id_is(r, rule, 3, caps->driver_version) &&
           text_is(r, rule, 4, caps->driver_info) && text_is(r, rule, 5, caps->name);
}

/* ---- Lines ---- */

/* Splits "key=value"; `key` is then an index into keys that are given once each. */
static bool take_key(const reader *r, span word, const char *(*key_at)(size_t), size_t count, uint32_t *given,
                     size_t *out_key, span *out_value) {
    *out_value = word;
    span name = take_until(out_value, '=');
    if (name.size == word.size || word.at[word.size - 1] == ',')
        return broken(r, "'%.*s' is no key=value", shown(word), word.at);
    for (size_t i = 0; i < count; ++i) {
        if (!is(name, key_at(i)))
            continue;
        if (*given & 1u << i)
            return broken(r, "%s stands twice", key_at(i));
        *given |= 1u << i;
        *out_key = i;
        return true;
    }
    return broken(r, "'%.*s' is no key of such a line", shown(name), name.at);
}

static const char *row_key_at(size_t i) {
    return row_keys[i].key;
}

static const char *device_key_at(size_t i) {
    return device_keys[i];
}

static bool read_device(reader *r, span words) {
    device_rule rule = {0};
    size_t key = 0;
    span value;
    for (span word = take_word(&words); word.size; word = take_word(&words))
        if (!take_key(r, word, device_key_at, DEVICE_KEYS, &rule.given, &key, &value) ||
            !take_device_value(r, key, value, &rule))
            return false;
    if (!rule.given)
        return broken(r, "a device line says none of vendor, device, driver, version, build and name");
    r->in_device = true;
    r->mine = is_mine(r, &rule);
    return true;
}

/* Reasons that are too long end at a whole character. */
static span reason_of(span comment) {
    static const char none[] = "a row of a tuning file";
    if (comment.size == 0)
        return (span){none, sizeof none - 1};
    if (comment.size < VT_REASON_BYTES)
        return comment;
    comment.size = VT_REASON_BYTES - 1;
    while (comment.size && ((unsigned char)comment.at[comment.size] & 0xc0) == 0x80)
        --comment.size;
    return comment;
}

static bool keep_row(reader *r, const row_rule *rule, span reason) {
    vt_tuning *t = r->tuning;
    if (t->count == VT_TUNING_MOST_ROWS)
        return broken(r, "more than %u rows for one device", VT_TUNING_MOST_ROWS);
    if (t->rows) {
        char *words = t->words + t->words_size;
        memcpy(words, reason.at, reason.size);
        words[reason.size] = '\0';
        t->rows[t->count] = rule->row;
        t->rows[t->count].reason = words;
    }
    ++t->count;
    t->words_size += reason.size + 1;
    return true;
}

static bool read_row(reader *r, span words, span comment) {
    row_rule rule = {.row = {.max_dim = VATTEN_MAX_DIM}};
    size_t key = 0;
    span value;
    if (!r->in_device)
        return broken(r, "a row stands before the first device line");
    for (span word = take_word(&words); word.size; word = take_word(&words))
        if (!take_key(r, word, row_key_at, sizeof row_keys / sizeof *row_keys, &rule.given, &key, &value) ||
            !row_keys[key].take(r, value, &rule))
            return false;
    for (size_t i = 0; i < ROW_REQUIRED; ++i)
        if (!(rule.given & 1u << i))
            return broken(r, "a row without %s", row_keys[i].key);
    if (!check_tile(r, &rule))
        return false;
    return !r->mine || keep_row(r, &rule, reason_of(comment));
}

static bool read_line(reader *r, span line) {
    if (!is_text(r, line))
        return false;
    span comment = take_comment(&line);
    span word = take_word(&line);
    if (word.size == 0)
        return true;
    if (r->ended)
        return broken(r, "'%.*s' stands behind the end", shown(word), word.at);
    if (is(word, "device"))
        return read_device(r, line);
    if (is(word, "row"))
        return read_row(r, line, comment);
    r->ended = is(word, "end") && take_word(&line).size == 0;
    return r->ended ||
           broken(r, "'%.*s' begins no line: device, row and a lone end do", shown(word), word.at);
}

static bool read_head(reader *r) {
    span line = take_line(r);
    uint32_t version;
    if (!is_text(r, line))
        return false;
    if (!is(take_word(&line), "vatten-tuning") || !number(take_word(&line), &version) ||
        take_word(&line).size)
        return broken(r, "no tuning file: one begins with 'vatten-tuning %u'", VT_TUNING_VERSION);
    return version == VT_TUNING_VERSION ||
           broken(r, "version %" PRIu32 " of tuning files, %u is known", version, VT_TUNING_VERSION);
}

vatten_result vt_tune_file_read(const vt_caps *caps, const vatten_logger *logger, const char *text,
                                size_t size, vt_tuning *tuning) {
    reader r = {.caps = caps, .logger = logger, .rest = {text, size}, .tuning = tuning};
    tuning->count = 0;
    tuning->words_size = 0;
    bool good = read_head(&r);
    while (good && r.rest.size)
        good = read_line(&r, take_line(&r));
    if (good && !r.ended)
        good = broken(&r, "the text stops without an 'end' line");
    return good ? VATTEN_SUCCESS : VATTEN_ERROR_INVALID_ARGUMENT;
}

vatten_result vatten_tuning_check(const vatten_logger *logger, const char *text, size_t size) {
    vt_tuning none = {0};
    return text ? vt_tune_file_read(NULL, logger, text, size, &none) : VATTEN_ERROR_INVALID_ARGUMENT;
}
