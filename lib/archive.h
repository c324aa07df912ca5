/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reader of the boot archive: a cpio archive in the "new ASCII" format (newc), uncompressed.
 *
 * The archive is read where it lies: entries point into it, and stay valid as long as it does. Nothing in it is
 * trusted; archive_open() walks all of it once, and only then may entries be looked up.
 */
#ifndef SALTO_LIB_ARCHIVE_H
#define SALTO_LIB_ARCHIVE_H

#include <stdbool.h>
#include <stddef.h>

#define ARCHIVE_REASON_SIZE 128

/* A checked archive. `size` reaches to the end of the trailer; what lies behind it (padding of a page) is ignored. */
struct archive {
    const unsigned char *bytes;
    size_t size;
};

/* A file in the archive. */
struct archive_file {
    const char *name; /* zero-terminated */
    const void *data; /* aligned to 4 bytes relative to the archive's start */
    size_t size;
};

/* Checks the archive in the `size` bytes at `bytes`, up to its entry "TRAILER!!!". False if it is malformed; then
 * `reason` says at which byte and why. */
bool archive_open(struct archive *archive, const void *bytes, size_t size, char reason[ARCHIVE_REASON_SIZE]);

/* Steps through the files: `*position` starts as 0, and is moved on. False at the end of the archive. */
bool archive_next(const struct archive *archive, size_t *position, struct archive_file *file);

/* Finds the first file called `name`; false if there is none. */
bool archive_find(const struct archive *archive, const char *name, struct archive_file *file);

#endif
