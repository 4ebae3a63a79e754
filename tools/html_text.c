/* SPDX-License-Identifier: MIT */
#include "html_text.h"

#include <math.h>
#include <stdbool.h>
#include <stdint.h>

/* Bytes of the UTF-8 character that `text` begins with; 0 if it is none: an overlong form, a half of a surrogate pair, beyond
 * U+10FFFF, or cut off. The zero at the end of the text is no continuation, so nothing is read behind it. */
static size_t utf8_length(const unsigned char *text) {
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t length = text[0] < 0x80       ? 1
                    : text[0] >> 5 == 6  ? 2
                    : text[0] >> 4 == 14 ? 3
                    : text[0] >> 3 == 30 ? 4
                                         : 0;
    if (length < 2)
        return length;
    uint32_t code = text[0] & (0x7fu >> length);
    for (size_t i = 1; i < length; ++i) {
        if (text[i] >> 6 != 2)
            return 0;
        code = code << 6 | (text[i] & 0x3fu);
    }
    bool half = code >= 0xd800 && code <= 0xdfff;
    return code >= least[length] && code <= 0x10ffff && !half ? length : 0;
}

static const char *reference_of(unsigned char letter) {
    switch (letter) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&quot;";
    case '\'':
        return "&#39;";
    default:
        return NULL;
    }
}

/* Of ASCII, and of the first 32 behind it, which are controls too. */
static bool is_control(const unsigned char *text) {
    bool second = text[0] == 0xc2 && text[1] < 0xa0;
    return (text[0] < 0x20 && text[0] != '\t' && text[0] != '\n') || text[0] == 0x7f || second;
}

/* Writes the first character; returns the bytes that it took. */
static size_t put_character(FILE *out, const unsigned char *text) {
    size_t length = utf8_length(text);
    const char *reference = reference_of(text[0]);
    if (length == 0 || is_control(text))
        fputs("\xef\xbf\xbd", out); /* U+FFFD */
    else if (reference != NULL)
        fputs(reference, out);
    else
        fwrite(text, 1, length, out);
    return length == 0 ? 1 : length;
}

void html_text_cut(FILE *out, const char *text, size_t most) {
    const unsigned char *at = (const unsigned char *)(text != NULL ? text : "");
    for (; *at != '\0' && most != 0; --most)
        at += put_character(out, at);
    if (*at != '\0')
        fputs("\xe2\x80\xa6", out); /* an ellipsis */
}

void html_text(FILE *out, const char *text) {
    html_text_cut(out, text, SIZE_MAX);
}

void html_number(FILE *out, double value) {
    bool whole = fabs(value) < 1e15 && floor(value) == value;
    fprintf(out, whole ? "%.0f" : "%.4g", value);
}
