" SPDX-License-Identifier: BSD-2-Clause
" Syntax of Salto's interface language (docs/idl.md).
if exists("b:current_syntax")
  finish
endif

syntax keyword saltoidlKeyword library import alias const enum flags errors struct table interface
syntax keyword saltoidlModifier oneway event out inout move raises
syntax keyword saltoidlModifier retired
syntax keyword saltoidlKeyword union
syntax keyword saltoidlType optional sequence
syntax keyword saltoidlType u8 u16 u32 u64 i8 i16 i32 i64 f32 f64 bool cap bytes string pages lend
syntax match saltoidlNumber "\<0[xX]\x\+\>\|\<\d\+\(ns\|us\|ms\|s\|m\)\?\>"
syntax match saltoidlAttribute "@\h\w*"
syntax match saltoidlOrdinal "@\d\w*"
syntax region saltoidlString start=+"+ end=+"+ oneline
syntax match saltoidlComment "//.*$" contains=@Spell
syntax region saltoidlComment start="/\*" end="\*/" contains=@Spell
syntax match saltoidlDoc "///.*$" contains=@Spell

highlight default link saltoidlKeyword Keyword
highlight default link saltoidlModifier StorageClass
highlight default link saltoidlType Type
highlight default link saltoidlNumber Number
highlight default link saltoidlAttribute PreProc
highlight default link saltoidlOrdinal Number
highlight default link saltoidlString String
highlight default link saltoidlComment Comment
highlight default link saltoidlDoc SpecialComment

setlocal commentstring=//\ %s shiftwidth=2 expandtab
let b:current_syntax = "saltoidl"
