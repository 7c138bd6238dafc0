# cbuild.1 here is the prose; the pages are made of it and the tables of commands and options by the program itself.
EXTRA_DIST += %D%/cbuild.1

man/stamp: %D%/cbuild.1 cbuild$(EXEEXT)
	$(AM_V_GEN)rm -rf man && ./cbuild$(EXEEXT) __man $(srcdir)/%D%/cbuild.1 man && touch $@

all-local: man/stamp

install-data-local: man/stamp
	$(MKDIR_P) '$(DESTDIR)$(mandir)/man1'
	$(INSTALL_DATA) man/*.1 '$(DESTDIR)$(mandir)/man1'

uninstall-local:
	-cd man && for page in *.1; do rm -f '$(DESTDIR)$(mandir)/man1'/"$$page"; done

clean-local:
	rm -rf man
