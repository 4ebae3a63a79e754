// SPDX-License-Identifier: MIT
//
// Rows of a query tile that are queries x heads: TILE_HEADS query heads of one KV head share a tile, so that few queries fill
// it and each key is loaded once for all of them. And what the table of heads says of a row's.

uint tile_row_0; // of this tile, among the rows of its batch entry or sequence

uint row_number(uint row) { return tile_row_0 + row; }
uint row_query(uint row) { return row_number(row) / TILE_HEADS; }
uint row_tile_head(uint row) { return row_number(row) % TILE_HEADS; }

// Among the heads of the dispatch, and among all.
uint row_own_head(uint row) { return own_head() + row_tile_head(row); }
uint tile_head_0() { return push.head_first + own_head(); }

uint head_word(uint row, uint word)
{
    uint head = (HEAD_BATCH != 0u ? seq : 0u) * HEADS + push.head_first + row_own_head(row);
    return table_word[TABLE_HEADS + head * VT_HEAD_WORDS + word];
}

float head_float(uint row, uint word) { return uintBitsToFloat(head_word(row, word)); }
bool has_field(uint field) { return (HEAD_FIELDS & field) != 0u; }

float head_sink(uint row)
{
    float none = uintBitsToFloat(0xff800000u);
    return has_field(VT_HEAD_SINK) ? head_float(row, 1u) : none;
}
float head_gain(uint row) { return has_field(VT_HEAD_GAIN) ? head_float(row, 4u) : 1.0; }

// A side of a window without a limit is longer than any sequence.
int head_side(uint word)
{
    int side = int(head_word(0u, word));
    return side < 0 ? 0x40000000 : min(side, 0x40000000);
}
