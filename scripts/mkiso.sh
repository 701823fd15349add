#!/bin/sh
# Makes a CD image that GRUB boots by BIOS and by UEFI, from CD or written to a USB stick.
#
# usage: mkiso.sh KERNEL BOOT_ARCHIVE ISO COMMAND_LINE
#
# Only the GRUB modules that are needed go in, and every date and serial number is fixed: the same input gives
# the same bytes.
set -eu

kernel=$1 archive=$2 iso=$3 command_line=$4
grub=${GRUB_FOLDER:-/usr/lib/grub}
work=$iso.work
export SOURCE_DATE_EPOCH=1704067200 TZ=UTC0

rm -rf "$work"
mkdir -p "$work/root/boot/grub"
cp "$kernel" "$work/root/boot/jacinth.elf"
cp "$archive" "$work/root/boot/bootfs.cpio"

# Debug information stays at home: it is most of the file, and gdb reads it from the build.
"${STRIP:-strip}" --strip-debug "$work/root/boot/jacinth.elf"

# GRUB's own little program: find the CD, load, go. Without a menu there is nothing to wait for.
cat > "$work/grub.cfg" <<END
search --no-floppy --file --set=root /boot/jacinth.elf
set gfxpayload=1024x768x32
multiboot2 /boot/jacinth.elf $command_line
module2 /boot/bootfs.cpio
boot
END

modules="iso9660 search search_fs_file multiboot2 echo"
grub-mkimage -O i386-pc-eltorito -d "$grub/i386-pc" -c "$work/grub.cfg" -p /boot/grub \
    -o "$work/root/boot/grub/bios.img" biosdisk vbe $modules
grub-mkimage -O x86_64-efi -d "$grub/x86_64-efi" -c "$work/grub.cfg" -p /boot/grub \
    -o "$work/bootx64.efi" efi_gop part_msdos fat $modules

# UEFI firmware starts \EFI\BOOT\BOOTX64.EFI of a FAT file system.
efi=$work/root/boot/grub/efi.img
kilobytes=$(( ($(wc -c < "$work/bootx64.efi") + 1023) / 1024 + 64 ))
touch -d "@$SOURCE_DATE_EPOCH" "$work/bootx64.efi"
dd if=/dev/zero of="$efi" bs=1024 count="$kilobytes" 2> /dev/null
mformat -i "$efi" -N 4a414349 -v JACINTH -h 2 -s 16 -t $(( (kilobytes + 15) / 16 )) -d 1 ::
mmd -i "$efi" ::/EFI ::/EFI/BOOT
mcopy -m -i "$efi" "$work/bootx64.efi" ::/EFI/BOOT/BOOTX64.EFI

find "$work/root" -exec touch -d "@$SOURCE_DATE_EPOCH" {} +
rm -f "$iso"
xorriso -as mkisofs -quiet -r -V JACINTH \
    -b boot/grub/bios.img -no-emul-boot -boot-load-size 4 -boot-info-table --grub2-boot-info \
    --grub2-mbr "$grub/i386-pc/boot_hybrid.img" \
    -eltorito-alt-boot -e boot/grub/efi.img -no-emul-boot \
    -o "$iso" "$work/root" 2> "$work/xorriso.log" || { cat "$work/xorriso.log" >&2; exit 1; }
rm -rf "$work"
