// SPDX-License-Identifier: MIT
//
// The loop of attention mass. Where there is one number for each row, or for each key, it is that of attention. Where runs of
// keys make numbers of their own, the tiles of a run follow each other in an inner loop, and what they sum up to leaves the
// registers behind it: some drivers have no other way to leave code out than to end a loop.
//
// Every layout offers: layout_begin, layout_tile (log-probabilities of the current tile), layout_end; mass_all (joins all keys
// of the tile), mass_part (joins keys [from, to) of the tile), mass_flush (joins what was summed up to a number of `out`), clear_bins (numbers of
// rows that are 0).
// With columns: layout_run (a run begins, which is another head).

#ifdef VT_COLUMNS
void mass_run(uint r)
{
    uint tiles = map_run(r);
    layout_run(r);
    for (uint i = 0u; i < tiles; ++i) {
        map_tile(i);
        layout_tile(map_tile_full());
    }
}
#else
// Hidden keys between the runs have 0.
void mass_gap(uint tiles)
{
    map_tile(0u);
    uint end = tiles > 0u ? uint(clamp(map_k0, int(row_done), map_k_end)) : row_done;
    clear_bins(uvec2(row_done, end));
    row_done = tiles > 0u ? uint(clamp(map_k0 + int(tiles * KEYS), int(row_done), map_k_end)) : row_done;
}

void mass_simple_run(uint tiles)
{
    if (IN_ORDER)
        mass_gap(tiles);
    for (uint i = 0u; i < tiles; ++i) {
        map_tile(i);
        layout_tile(map_tile_full());
        mass_all();
    }
}

// Returns the next tile; keys of it before `from` are done.
uint mass_bin(uint i, uint tiles, inout uint from)
{
    map_tile(i);
    uint bin = bin_of(from);
    bool open = true;
    while (open) {
        if (from == 0u)
            layout_tile(map_tile_full());
        uint to = bin_end(bin, from);
        mass_part(from, to);
        from = to;
        if (to == KEYS) {
            from = 0u;
            ++i;
        }
        open = to == KEYS && i < tiles;
        if (open) {
            map_tile(i);
            open = bin_of(0u) == bin;
        }
    }
    mass_flush(bin);
    return i;
}

void mass_run(uint r)
{
    uint tiles = map_run(r);
    if (!SEGMENT_SUMS && !MAXIMA) {
        mass_simple_run(tiles);
        return;
    }
    uint from = 0u;
    for (uint i = 0u; i < tiles;)
        i = mass_bin(i, tiles, from);
}
#endif

void attend()
{
    if (!map_begin())
        return;
    layout_begin();
#ifndef VT_COLUMNS
    row_done = push.k_first;
#endif
    uint runs = map_run_count();
    for (uint r = 0u; r < runs; ++r)
        mass_run(r);
#ifndef VT_COLUMNS
    if (IN_ORDER)
        clear_bins(uvec2(row_done, push.k_last));
#endif
    layout_end();
}
