/* SPDX-License-Identifier: BSD-2-Clause */
/* The boot archive: a cpio file in "newc" format (cpio(5)). */
#ifndef SALTO_BOOT_ARCHIVE_H
#define SALTO_BOOT_ARCHIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Finds file `name` in the `size` bytes at `archive`. False if it is not there, or the archive is damaged before it. */
bool archive_find(const char *archive, size_t size, const char *name, const char **data, size_t *data_size);

#endif
