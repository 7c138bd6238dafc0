dist_man1_MANS += %D%/cbuild.1
