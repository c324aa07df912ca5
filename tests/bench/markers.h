/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Markers that the QEMU plugin tools/plugin/count.c looks for: no-ops that no compiler emits. Everything executed after
 * MARKER_BEGIN(id) and before MARKER_END(id) is one round of `id` (a constant, 0 to 255). On a machine without the
 * plugin they do nothing.
 *
 * An assembler macro as well, for rounds that are written in assembly.
 */
#ifndef SALTO_BENCH_MARKERS_H
#define SALTO_BENCH_MARKERS_H

#define MARKER_BEGIN_VALUE 0x5a170000
#define MARKER_END_VALUE 0x5a270000

#ifdef __ASSEMBLER__
/* nopl value(%rax,%rax,1) in its eight-byte form, SDM volume 2, NOP. */
#define MARKER_BEGIN(id)          \
    .byte 0x0f, 0x1f, 0x84, 0x00; \
    .long MARKER_BEGIN_VALUE + (id)
#define MARKER_END(id)            \
    .byte 0x0f, 0x1f, 0x84, 0x00; \
    .long MARKER_END_VALUE + (id)
#else
#define MARKER_EMIT(value) __asm__ volatile(".byte 0x0f, 0x1f, 0x84, 0x00; .long %c0" : : "i"(value) : "memory")
#define MARKER_BEGIN(id) MARKER_EMIT(MARKER_BEGIN_VALUE + (id))
#define MARKER_END(id) MARKER_EMIT(MARKER_END_VALUE + (id))
#endif

#endif
