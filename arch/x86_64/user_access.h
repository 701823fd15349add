/* Opening and closing SMAP, for assembly. Both are no-operations that cpu.c turns into STAC and
 * CLAC at boot where the CPU has SMAP: the list of places is the section .smap_patches. */
#pragma once

#define INSTRUCTION_STAC 0xcb010f
#define INSTRUCTION_CLAC 0xca010f

.macro SMAP_PATCH instruction
9990:
    .byte 0x0f, 0x1f, 0x00 /* a no-operation of three bytes */
    .pushsection .smap_patches, "a"
    .quad 9990b, \instruction
    .popsection
.endm

.macro OPEN_USER_ACCESS
    SMAP_PATCH INSTRUCTION_STAC
.endm

.macro CLOSE_USER_ACCESS
    SMAP_PATCH INSTRUCTION_CLAC
.endm
