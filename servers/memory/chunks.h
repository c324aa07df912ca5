/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Chunks of 64 frames, and blocks of eight chunks: what frames.c and blocks.c share, and nobody else sees.
 *
 * A chunk is a memory object of the kernel, or an eighth of one: a block is 2 MiB that lie together in physical memory.
 * The chunks of blocks have numbers from `blocks_first` on, eight to a block, so that the server sees a block at a
 * multiple of 2 MiB.
 */
#ifndef SALTO_MEMORY_CHUNKS_H
#define SALTO_MEMORY_CHUNKS_H

#include "frames.h"

#define ALL_FREE UINT64_MAX

struct chunk {
    uint32_t handle;         /* 0: there is none of this number */
    uint32_t next, previous; /* in the list, or of a number without a chunk, or a block, the next one */
    uint32_t whole;          /* of the first chunk of a block: how many of the eight have no frame in use */
    uint64_t free;           /* a bit for each frame */
    uint64_t used_before;    /* not zeroed */
    uint64_t was_shared;     /* with several users, now or since its one user wrote to it last */
    uint64_t reached;        /* taken for objects, so that clients may have them */
    uint64_t executed;       /* mapped to be executed, and not recalled since */
    uint64_t read, written;  /* noted by frames_note() */
    uint64_t leaving;        /* without a user, and to be recalled */
    uint32_t next_leaving;   /* in the list of chunks that have such */
    uint32_t users[CHUNK_PAGES];
};

_Static_assert(CHUNK_PAGES == 64, "a word has a bit for each frame of a chunk");

extern struct chunk *chunks;

#define BLOCKS_HEAD (blocks_first - 1) /* the entry that is the head of the list of their chunks with free frames */

/* Is the chunk a part of a block? */
static inline bool chunk_is_large(uint32_t number)
{
    return number >= blocks_first;
}

/* Puts a chunk on the list of those with free frames that it belongs to, or takes it off. */
void chunk_list_add_first(uint32_t number);
void chunk_list_remove(uint32_t number);

/* Takes frames of a chunk that are free, for an object, zeroed; answers the first one's number. */
uint32_t chunk_take_run(uint32_t number, uint32_t place, uint32_t count);

/* Frames of a chunk of a block, whose bits are set, are to be recalled. If that is all of it, and all other frames of
 * the block are to be recalled too, it is done here by one call for all. */
void blocks_recall_whole(uint32_t number, uint64_t leaving);

/* Room for `count` blocks; all others are forgotten. */
void blocks_prepare(uint32_t count);

/* Blocks that there are. */
uint32_t blocks_made(void);

/* A chunk of a block of which no frame was in use has one in use now, or the other way round. */
void blocks_begin_chunk(uint32_t number);
void blocks_end_chunk(uint32_t number);

#endif
