/* SPDX-License-Identifier: BSD-2-Clause */
/* The answerer's half of every interface, as generate.py makes it. */
#include "answers.h"

#include "answerer_halves.h"
