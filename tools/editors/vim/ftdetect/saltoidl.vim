" SPDX-License-Identifier: BSD-2-Clause
" Vim takes .idl for CORBA's language: it is Salto's where the file begins with a library.
autocmd BufNewFile,BufRead *.idl if search('^\s*library\s\+\w\+\s*;', 'nw') | setlocal filetype=saltoidl | endif
