/* SPDX-License-Identifier: MIT
 *
 * Tables of dense plans: what is vatten's own in them. Where they stand tells vatten_attention_tables.
 */
#ifndef VT_TABLES_H
#define VT_TABLES_H

#include <vatten/vatten.h>

/* vatten_tables.spans, for each batch entry of masks: what vatten found in each run of so many keys. */
#define VT_SPAN_KEYS  64u
#define VT_SPAN_WORDS 4u

#endif /* VT_TABLES_H */
