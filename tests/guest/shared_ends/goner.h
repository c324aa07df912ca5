/* SPDX-License-Identifier: BSD-2-Clause */
/* What the client says that ends, so that the test knows when it did. */
#ifndef GONER_H
#define GONER_H

#define GONER_NOTES 20
#define GONER_FIRST 1000000

#endif
