/* SPDX-License-Identifier: BSD-2-Clause */
/* The trampoline's bytes, as the kernel maps them. TRAMPOLINE_BLOB is the file, given by the build. */
        .section .rodata
        .globl  trampoline_blob, trampoline_blob_end
        .balign 16
trampoline_blob:
        .incbin TRAMPOLINE_BLOB
trampoline_blob_end:
        .section .note.GNU-stack, "", @progbits
