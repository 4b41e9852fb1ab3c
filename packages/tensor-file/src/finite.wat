;; Whether every float32 of [0, end) is finite; end a multiple of 64.
;; An exponent of ones, and a one added to it is carried into the sign.
(module
  (import "env" "memory" (memory 1))
  (func (export "finite") (param $end i32) (result i32)
    (local $at i32) (local $exponent v128) (local $one v128) (local $a v128) (local $b v128) (local $c v128) (local $d v128)
    (local.set $exponent (v128.const i32x4 0x7f800000 0x7f800000 0x7f800000 0x7f800000))
    (local.set $one (v128.const i32x4 0x00800000 0x00800000 0x00800000 0x00800000))
    (loop $block
      (local.set $a (v128.or (local.get $a) (i32x4.add (v128.and (v128.load (local.get $at)) (local.get $exponent)) (local.get $one))))
      (local.set $b (v128.or (local.get $b) (i32x4.add (v128.and (v128.load offset=16 (local.get $at)) (local.get $exponent)) (local.get $one))))
      (local.set $c (v128.or (local.get $c) (i32x4.add (v128.and (v128.load offset=32 (local.get $at)) (local.get $exponent)) (local.get $one))))
      (local.set $d (v128.or (local.get $d) (i32x4.add (v128.and (v128.load offset=48 (local.get $at)) (local.get $exponent)) (local.get $one))))
      (br_if $block (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 64))) (local.get $end))))
    (i32.eqz (i32x4.bitmask (v128.or (v128.or (local.get $a) (local.get $b)) (v128.or (local.get $c) (local.get $d)))))))
