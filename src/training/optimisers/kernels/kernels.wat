;; The loops of a learner's step, in WebAssembly with 128-bit vectors: float32 throughout, but for sums. `node scripts/make-kernels.mjs` makes bytes.ts of
;; this text. All go over fours: up to three numbers behind the last one are read and written.
(module
  (memory (export "memory") 1)

  ;; AdamW on `count` numbers; formula and names as in adamw.ts. `rest` is 1 - beta, which loses five digits when made of a rounded beta; `decay` is what a step takes off a number, of 1; `average` is 0 or
  ;; what moves by the share `part` towards the new value.
  (func (export "adamw") (param $values i32) (param $gradient i32) (param $first i32) (param $second i32) (param $average i32) (param $count i32)
    (param $scale f32) (param $beta1 f32) (param $rest1 f32) (param $beta2 f32) (param $rest2 f32) (param $decay f32) (param $rate f32) (param $rootCorrection f32) (param $epsilon f32)
    (param $part f32)
    (local $end i32) (local $value v128) (local $g v128) (local $m v128) (local $v v128)
    (local $scales v128) (local $keep1 v128) (local $new1 v128) (local $keep2 v128) (local $new2 v128) (local $decays v128) (local $rates v128)
    (local $roots v128) (local $epsilons v128) (local $parts v128)
    (local.set $scales (f32x4.splat (local.get $scale)))
    (local.set $keep1 (f32x4.splat (local.get $beta1)))
    (local.set $new1 (f32x4.splat (local.get $rest1)))
    (local.set $keep2 (f32x4.splat (local.get $beta2)))
    (local.set $new2 (f32x4.splat (local.get $rest2)))
    (local.set $decays (f32x4.splat (local.get $decay)))
    (local.set $rates (f32x4.splat (local.get $rate)))
    (local.set $roots (f32x4.splat (local.get $rootCorrection)))
    (local.set $epsilons (f32x4.splat (local.get $epsilon)))
    (local.set $parts (f32x4.splat (local.get $part)))
    (local.set $end (i32.add (local.get $values) (i32.shl (local.get $count) (i32.const 2))))
    (block $done
      (loop $next
        (br_if $done (i32.ge_u (local.get $values) (local.get $end)))
        (local.set $g (f32x4.mul (local.get $scales) (v128.load (local.get $gradient))))
        (local.set $m (f32x4.add (f32x4.mul (local.get $keep1) (v128.load (local.get $first))) (f32x4.mul (local.get $new1) (local.get $g))))
        (local.set $v (f32x4.add (f32x4.mul (local.get $keep2) (v128.load (local.get $second)))
          (f32x4.mul (local.get $new2) (f32x4.mul (local.get $g) (local.get $g)))))
        (v128.store (local.get $first) (local.get $m))
        (v128.store (local.get $second) (local.get $v))
        (local.set $value (v128.load (local.get $values)))
        (local.set $value (f32x4.sub (local.get $value) (f32x4.add
          (f32x4.mul (local.get $decays) (local.get $value))
          (f32x4.div (f32x4.mul (local.get $rates) (local.get $m))
            (f32x4.add (f32x4.mul (f32x4.sqrt (local.get $v)) (local.get $roots)) (local.get $epsilons))))))
        (v128.store (local.get $values) (local.get $value))
        (if (local.get $average)
          (then
            (local.set $m (v128.load (local.get $average)))
            (v128.store (local.get $average) (f32x4.add (local.get $m)
              (f32x4.mul (local.get $parts) (f32x4.sub (local.get $value) (local.get $m)))))
            (local.set $average (i32.add (local.get $average) (i32.const 16)))))
        (local.set $values (i32.add (local.get $values) (i32.const 16)))
        (local.set $gradient (i32.add (local.get $gradient) (i32.const 16)))
        (local.set $first (i32.add (local.get $first) (i32.const 16)))
        (local.set $second (i32.add (local.get $second) (i32.const 16)))
        (br $next))))

  ;; sum = before * sum + by * other
  (func (export "blend") (param $sum i32) (param $other i32) (param $count i32) (param $before f32) (param $by f32)
    (local $end i32) (local $befores v128) (local $bys v128)
    (local.set $befores (f32x4.splat (local.get $before)))
    (local.set $bys (f32x4.splat (local.get $by)))
    (local.set $end (i32.add (local.get $sum) (i32.shl (local.get $count) (i32.const 2))))
    (block $done
      (loop $next
        (br_if $done (i32.ge_u (local.get $sum) (local.get $end)))
        (v128.store (local.get $sum) (f32x4.add
          (f32x4.mul (local.get $befores) (v128.load (local.get $sum)))
          (f32x4.mul (local.get $bys) (v128.load (local.get $other)))))
        (local.set $sum (i32.add (local.get $sum) (i32.const 16)))
        (local.set $other (i32.add (local.get $other) (i32.const 16)))
        (br $next))))

  ;; The sum of the squares, in doubles. Numbers behind the last one must be 0.
  (func (export "squares") (param $values i32) (param $count i32) (result f64)
    (local $end i32) (local $four v128) (local $low v128) (local $high v128)
    (local.set $end (i32.add (local.get $values) (i32.shl (local.get $count) (i32.const 2))))
    (block $done
      (loop $next
        (br_if $done (i32.ge_u (local.get $values) (local.get $end)))
        (local.set $four (v128.load (local.get $values)))
        (local.set $low (f64x2.add (local.get $low) (f64x2.mul
          (f64x2.promote_low_f32x4 (local.get $four)) (f64x2.promote_low_f32x4 (local.get $four)))))
        (local.set $four (i8x16.shuffle 8 9 10 11 12 13 14 15 0 1 2 3 4 5 6 7 (local.get $four) (local.get $four)))
        (local.set $high (f64x2.add (local.get $high) (f64x2.mul
          (f64x2.promote_low_f32x4 (local.get $four)) (f64x2.promote_low_f32x4 (local.get $four)))))
        (local.set $values (i32.add (local.get $values) (i32.const 16)))
        (br $next)))
    (local.set $low (f64x2.add (local.get $low) (local.get $high)))
    (f64.add (f64x2.extract_lane 0 (local.get $low)) (f64x2.extract_lane 1 (local.get $low)))))
