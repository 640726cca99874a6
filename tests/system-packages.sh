#!/bin/sh
# Install the Debian packages that the tests drive, or say exactly which line to type.
set -eu
packages=""
need() { command -v "$1" >/dev/null 2>&1 || [ -x "$1" ] || packages="$packages $2"; }
# Without a window, where the distribution has it apart (Debian): the same engine for a third less of the processor
command -v chromium >/dev/null 2>&1 || need chromium-headless-shell BROWSER
[ -n "$(ls -d /usr/lib/postgresql/*/bin/initdb 2>/dev/null || command -v initdb || true)" ] || packages="$packages postgresql"
need qpdf qpdf
need pdfsig poppler-utils
need openssl openssl
need xmllint libxml2-utils
need xmlsec1 xmlsec1
need node nodejs
need curl curl
need jq jq
need systemd-analyze systemd
need zip zip
need 7z 7zip
need bsdtar libarchive-tools
need redis-server redis-server
need soffice libreoffice-writer-nogui
need softhsm2-util softhsm2
need /usr/sbin/dovecot dovecot-imapd
need tesseract tesseract-ocr
[ -n "$(ls /usr/share/tesseract-ocr/*/tessdata/fra.traineddata /usr/share/tessdata/fra.traineddata 2>/dev/null || true)" ] || packages="$packages tesseract-ocr-fra"
[ -z "$packages" ] && exit 0
named() {
  browser=chromium
  if apt-cache show chromium-headless-shell >/dev/null 2>&1; then browser=chromium-headless-shell; fi
  packages=$(echo "$packages" | sed "s/BROWSER/$browser/")
}
if [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null 2>&1; then
  apt-get update -qq
  named
  # shellcheck disable=SC2086
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $packages
else
  named
  echo "Il manque des paquets pour les tests. Tapez :  sudo apt-get install -y --no-install-recommends$packages" >&2
  exit 1
fi
