//! The black-box suite: it knows only programs, URLs and sockets.
