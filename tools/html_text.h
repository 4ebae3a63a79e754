/* SPDX-License-Identifier: MIT
 *
 * Text in a page of HTML: whatever a driver calls its device, it stays text.
 */
#ifndef TOOLS_HTML_TEXT_H
#define TOOLS_HTML_TEXT_H

#include <stddef.h>
#include <stdio.h>

/* Writes `text` for the content of an element or an attribute in quotes. The five characters that mean something in HTML become
 * references; bytes that are no UTF-8, and control characters but tab and line end, become U+FFFD. NULL is "". */
void html_text(FILE *out, const char *text);

/* The same of the first `most` characters, with an ellipsis where there are more. */
void html_text_cut(FILE *out, const char *text, size_t most);

/* 3, 0.0123, 1.235e+07: whole numbers as they are, others with four digits. */
void html_number(FILE *out, double value);

#endif /* TOOLS_HTML_TEXT_H */
