;; The loops of this folder that run over every pixel of a data set, in WebAssembly with 128-bit vectors. `make-kernels.mjs` in scripts/
;; makes src/colour/kernels/bytes.ts of this text.
;;
;; Pictures are bytes of red, green and blue, row by row. All sums of whole numbers are exact: lanes of 16 or 32 bits within a call, doubles across calls.
;; Vectors may be read up to 24 bytes behind the last pixel of a row; what they find there is masked away.
(module
  (memory (export "memory") 1)

  ;; sums[i] = (sums[i] & keep) + weight * (row[i] + the same of the `height` - 1 rows below it), for `count` bytes of each row; sums are 32-bit integers. At
  ;; most 257 rows, whose sums fit in 16 bits. Reads up to 15 bytes and writes up to 15 sums more.
  (func (export "addRows") (param $row i32) (param $stride i32) (param $height i32) (param $count i32) (param $weight i32) (param $keep i32)
    (param $sums i32)
    (local $end i32) (local $at i32) (local $last i32) (local $vector v128) (local $factor v128) (local $kept v128) (local $low v128) (local $high v128)
    (local.set $factor (i32x4.splat (local.get $weight)))
    (local.set $kept (i32x4.splat (local.get $keep)))
    (local.set $end (i32.add (local.get $row) (local.get $count)))
    (local.set $height (i32.mul (local.get $height) (local.get $stride)))
    (block $done
      (loop $next
        (br_if $done (i32.ge_u (local.get $row) (local.get $end)))
        (local.set $low (v128.const i32x4 0 0 0 0))
        (local.set $high (v128.const i32x4 0 0 0 0))
        (local.set $at (local.get $row))
        (local.set $last (i32.add (local.get $row) (local.get $height)))
        (loop $below
          (local.set $vector (v128.load (local.get $at)))
          (local.set $low (i16x8.add (local.get $low) (i16x8.extend_low_i8x16_u (local.get $vector))))
          (local.set $high (i16x8.add (local.get $high) (i16x8.extend_high_i8x16_u (local.get $vector))))
          (local.set $at (i32.add (local.get $at) (local.get $stride)))
          (br_if $below (i32.lt_u (local.get $at) (local.get $last))))
        (v128.store (local.get $sums) (i32x4.add (v128.and (local.get $kept) (v128.load (local.get $sums)))
          (i32x4.mul (i32x4.extend_low_i16x8_u (local.get $low)) (local.get $factor))))
        (v128.store offset=16 (local.get $sums) (i32x4.add (v128.and (local.get $kept) (v128.load offset=16 (local.get $sums)))
          (i32x4.mul (i32x4.extend_high_i16x8_u (local.get $low)) (local.get $factor))))
        (v128.store offset=32 (local.get $sums) (i32x4.add (v128.and (local.get $kept) (v128.load offset=32 (local.get $sums)))
          (i32x4.mul (i32x4.extend_low_i16x8_u (local.get $high)) (local.get $factor))))
        (v128.store offset=48 (local.get $sums) (i32x4.add (v128.and (local.get $kept) (v128.load offset=48 (local.get $sums)))
          (i32x4.mul (i32x4.extend_high_i16x8_u (local.get $high)) (local.get $factor))))
        (local.set $row (i32.add (local.get $row) (i32.const 16)))
        (local.set $sums (i32.add (local.get $sums) (i32.const 64)))
        (br $next))))

  ;; The same of two rows, each with a weight of its own below 32,768.
  (func (export "addTwo") (param $row i32) (param $weight i32) (param $other i32) (param $otherWeight i32) (param $count i32) (param $keep i32)
    (param $sums i32)
    (local $end i32) (local $factors v128) (local $kept v128) (local $a v128) (local $b v128) (local $low v128) (local $high v128)
    (local.set $factors (i32x4.splat (i32.or (local.get $weight) (i32.shl (local.get $otherWeight) (i32.const 16)))))
    (local.set $kept (i32x4.splat (local.get $keep)))
    (local.set $end (i32.add (local.get $row) (local.get $count)))
    (block $done
      (loop $next
        (br_if $done (i32.ge_u (local.get $row) (local.get $end)))
        (local.set $a (v128.load (local.get $row)))
        (local.set $b (v128.load (local.get $other)))
        (local.set $low (i8x16.shuffle 0 16 1 17 2 18 3 19 4 20 5 21 6 22 7 23 (local.get $a) (local.get $b)))
        (local.set $high (i8x16.shuffle 8 24 9 25 10 26 11 27 12 28 13 29 14 30 15 31 (local.get $a) (local.get $b)))
        (v128.store (local.get $sums) (i32x4.add (v128.and (local.get $kept) (v128.load (local.get $sums)))
          (i32x4.dot_i16x8_s (i16x8.extend_low_i8x16_u (local.get $low)) (local.get $factors))))
        (v128.store offset=16 (local.get $sums) (i32x4.add (v128.and (local.get $kept) (v128.load offset=16 (local.get $sums)))
          (i32x4.dot_i16x8_s (i16x8.extend_high_i8x16_u (local.get $low)) (local.get $factors))))
        (v128.store offset=32 (local.get $sums) (i32x4.add (v128.and (local.get $kept) (v128.load offset=32 (local.get $sums)))
          (i32x4.dot_i16x8_s (i16x8.extend_low_i8x16_u (local.get $high)) (local.get $factors))))
        (v128.store offset=48 (local.get $sums) (i32x4.add (v128.and (local.get $kept) (v128.load offset=48 (local.get $sums)))
          (i32x4.dot_i16x8_s (i16x8.extend_high_i8x16_u (local.get $high)) (local.get $factors))))
        (local.set $row (i32.add (local.get $row) (i32.const 16)))
        (local.set $other (i32.add (local.get $other) (i32.const 16)))
        (local.set $sums (i32.add (local.get $sums) (i32.const 64)))
        (br $next))))

  ;; Takes a row of sums of columns to fewer columns, and adds what comes out to `count` results of four doubles: red, green, blue, and one that
  ;; means nothing. `ends` has two 32-bit integers for each of them: at which byte of the sums the pixel begins in which it ends, and how many parts of that belong to
  ;; the next.
  (func (export "foldRow") (param $sums i32) (param $ends i32) (param $count i32) (param $whole f64) (param $out i32)
    (local $edge i32) (local $start i32) (local $end i32) (local $pixel v128)
    (local $redGreen v128) (local $blue v128) (local $carriedRedGreen v128) (local $carriedBlue v128)
    (local $wholes v128) (local $parts v128) (local $rests v128) (local $a v128) (local $b v128)
    (local.set $start (local.get $sums))
    (local.set $wholes (f64x2.splat (local.get $whole)))
    (local.set $end (i32.add (local.get $out) (i32.shl (local.get $count) (i32.const 5))))
    (block $done
      (loop $column
        (br_if $done (i32.ge_u (local.get $out) (local.get $end)))
        (local.set $edge (i32.add (local.get $start) (i32.load (local.get $ends))))
        (local.set $redGreen (f64x2.splat (f64.const 0)))
        (local.set $blue (f64x2.splat (f64.const 0)))
        (block $inner
          (loop $pixel
            (br_if $inner (i32.ge_u (local.get $sums) (local.get $edge)))
            (local.set $pixel (v128.load (local.get $sums)))
            (local.set $redGreen (f64x2.add (local.get $redGreen) (f64x2.convert_low_i32x4_u (local.get $pixel))))
            (local.set $blue (f64x2.add (local.get $blue) (f64x2.convert_low_i32x4_u
              (i8x16.shuffle 8 9 10 11 12 13 14 15 0 1 2 3 4 5 6 7 (local.get $pixel) (local.get $pixel)))))
            (local.set $sums (i32.add (local.get $sums) (i32.const 12)))
            (br $pixel)))
        (local.set $rests (f64x2.splat (f64.convert_i32_u (i32.load offset=4 (local.get $ends)))))
        (local.set $parts (f64x2.sub (local.get $wholes) (local.get $rests)))
        (local.set $pixel (v128.load (local.get $sums)))
        (local.set $a (f64x2.convert_low_i32x4_u (local.get $pixel)))
        (local.set $b (f64x2.convert_low_i32x4_u
          (i8x16.shuffle 8 9 10 11 12 13 14 15 0 1 2 3 4 5 6 7 (local.get $pixel) (local.get $pixel))))
        (v128.store (local.get $out) (f64x2.add (f64x2.add (v128.load (local.get $out)) (local.get $carriedRedGreen)) (f64x2.add
          (f64x2.mul (local.get $wholes) (local.get $redGreen)) (f64x2.mul (local.get $parts) (local.get $a)))))
        (v128.store offset=16 (local.get $out) (f64x2.add (f64x2.add (v128.load offset=16 (local.get $out)) (local.get $carriedBlue)) (f64x2.add
          (f64x2.mul (local.get $wholes) (local.get $blue)) (f64x2.mul (local.get $parts) (local.get $b)))))
        (local.set $carriedRedGreen (f64x2.mul (local.get $rests) (local.get $a)))
        (local.set $carriedBlue (f64x2.mul (local.get $rests) (local.get $b)))
        (local.set $sums (i32.add (local.get $sums) (i32.const 12)))
        (local.set $ends (i32.add (local.get $ends) (i32.const 8)))
        (local.set $out (i32.add (local.get $out) (i32.const 32)))
        (br $column))))

  ;; Sums of `foldRow` as bytes: sum * inverse + bias, rounded to the nearest; the bias says where halves go. Writes one byte too many. At 2^52 doubles
  ;; are whole numbers, whose last byte is the result.
  (func (export "roundRow") (param $sums i32) (param $count i32) (param $inverse f64) (param $bias f64) (param $out i32)
    (local $end i32) (local $factor v128) (local $add v128) (local $magic v128)
    (local.set $magic (f64x2.splat (f64.const 0x1p52)))
    (local.set $factor (f64x2.splat (local.get $inverse)))
    (local.set $add (f64x2.splat (local.get $bias)))
    (local.set $end (i32.add (local.get $out) (i32.mul (local.get $count) (i32.const 3))))
    (block $done
      (loop $next
        (br_if $done (i32.ge_u (local.get $out) (local.get $end)))
        (v128.store32_lane 0 (local.get $out) (i8x16.shuffle 0 8 16 0 0 0 0 0 0 0 0 0 0 0 0 0
          (f64x2.add (local.get $magic) (f64x2.add (local.get $add) (f64x2.mul (local.get $factor) (v128.load (local.get $sums)))))
          (f64x2.add (local.get $magic) (f64x2.add (local.get $add) (f64x2.mul (local.get $factor) (v128.load offset=16 (local.get $sums)))))))
        (local.set $sums (i32.add (local.get $sums) (i32.const 32)))
        (local.set $out (i32.add (local.get $out) (i32.const 3)))
        (br $next))))

  ;; `foldRow` for areas whose sums fit in 31 bits: each result is three 32-bit integers. Writes one integer too many.
  (func (export "foldShort") (param $sums i32) (param $ends i32) (param $count i32) (param $whole i32) (param $out i32)
    (local $edge i32) (local $start i32) (local $end i32) (local $pixel v128) (local $sum v128) (local $rest v128) (local $wholes v128)
    (local.set $start (local.get $sums))
    (local.set $wholes (i32x4.splat (local.get $whole)))
    (local.set $end (i32.add (local.get $out) (i32.mul (local.get $count) (i32.const 12))))
    (block $done
      (loop $column
        (br_if $done (i32.ge_u (local.get $out) (local.get $end)))
        (local.set $edge (i32.add (local.get $start) (i32.load (local.get $ends))))
        (local.set $sum (v128.const i32x4 0 0 0 0))
        (block $inner
          (loop $pixel
            (br_if $inner (i32.ge_u (local.get $sums) (local.get $edge)))
            (local.set $sum (i32x4.add (local.get $sum) (v128.load (local.get $sums))))
            (local.set $sums (i32.add (local.get $sums) (i32.const 12)))
            (br $pixel)))
        ;; With the whole of the pixel in which the new one ends, less what of it belongs to the next.
        (local.set $pixel (v128.load (local.get $sums)))
        (local.set $sum (i32x4.add (local.get $rest)
          (i32x4.mul (local.get $wholes) (i32x4.add (local.get $sum) (local.get $pixel)))))
        (local.set $rest (i32x4.mul (local.get $pixel) (v128.load32_splat offset=4 (local.get $ends))))
        (v128.store (local.get $out) (i32x4.sub (local.get $sum) (local.get $rest)))
        (local.set $sums (i32.add (local.get $sums) (i32.const 12)))
        (local.set $ends (i32.add (local.get $ends) (i32.const 8)))
        (local.set $out (i32.add (local.get $out) (i32.const 12)))
        (br $column))))

  ;; `roundRow` of the results of `foldShort`, of which there are `count` integers. Reads and writes up to 15 more.
  (func (export "roundShort") (param $sums i32) (param $count i32) (param $inverse f64) (param $bias f64) (param $out i32)
    (local $end i32) (local $factor v128) (local $add v128) (local $magic v128)
    (local.set $magic (f64x2.splat (f64.const 0x1p52)))
    (local.set $factor (f64x2.splat (local.get $inverse)))
    (local.set $add (f64x2.splat (local.get $bias)))
    (local.set $end (i32.add (local.get $out) (local.get $count)))
    (block $done
      (loop $next
        (br_if $done (i32.ge_u (local.get $out) (local.get $end)))
        (v128.store (local.get $out) (i8x16.narrow_i16x8_u
          (i16x8.narrow_i32x4_s
            (i8x16.shuffle 0 1 2 3 8 9 10 11 16 17 18 19 24 25 26 27
              (f64x2.add (local.get $magic) (f64x2.add (local.get $add) (f64x2.mul (local.get $factor)
                (f64x2.convert_low_i32x4_s (v128.load64_zero (local.get $sums))))))
              (f64x2.add (local.get $magic) (f64x2.add (local.get $add) (f64x2.mul (local.get $factor)
                (f64x2.convert_low_i32x4_s (v128.load64_zero offset=8 (local.get $sums)))))))
            (i8x16.shuffle 0 1 2 3 8 9 10 11 16 17 18 19 24 25 26 27
              (f64x2.add (local.get $magic) (f64x2.add (local.get $add) (f64x2.mul (local.get $factor)
                (f64x2.convert_low_i32x4_s (v128.load64_zero offset=16 (local.get $sums))))))
              (f64x2.add (local.get $magic) (f64x2.add (local.get $add) (f64x2.mul (local.get $factor)
                (f64x2.convert_low_i32x4_s (v128.load64_zero offset=24 (local.get $sums))))))))
          (i16x8.narrow_i32x4_s
            (i8x16.shuffle 0 1 2 3 8 9 10 11 16 17 18 19 24 25 26 27
              (f64x2.add (local.get $magic) (f64x2.add (local.get $add) (f64x2.mul (local.get $factor)
                (f64x2.convert_low_i32x4_s (v128.load64_zero offset=32 (local.get $sums))))))
              (f64x2.add (local.get $magic) (f64x2.add (local.get $add) (f64x2.mul (local.get $factor)
                (f64x2.convert_low_i32x4_s (v128.load64_zero offset=40 (local.get $sums)))))))
            (i8x16.shuffle 0 1 2 3 8 9 10 11 16 17 18 19 24 25 26 27
              (f64x2.add (local.get $magic) (f64x2.add (local.get $add) (f64x2.mul (local.get $factor)
                (f64x2.convert_low_i32x4_s (v128.load64_zero offset=48 (local.get $sums))))))
              (f64x2.add (local.get $magic) (f64x2.add (local.get $add) (f64x2.mul (local.get $factor)
                (f64x2.convert_low_i32x4_s (v128.load64_zero offset=56 (local.get $sums))))))))))
        (local.set $sums (i32.add (local.get $sums) (i32.const 64)))
        (local.set $out (i32.add (local.get $out) (i32.const 16)))
        (br $next))))

  ;; The same four for small areas: `addRows` and `addTwo` with sums of 16 bits, for 257 parts of rows or fewer altogether, and what becomes of them.
  (func (export "addRowsSmall") (param $row i32) (param $stride i32) (param $height i32) (param $count i32) (param $weight i32) (param $keep i32)
    (param $sums i32)
    (local $end i32) (local $at i32) (local $last i32) (local $vector v128) (local $factor v128) (local $kept v128) (local $low v128) (local $high v128)
    (local.set $factor (i16x8.splat (local.get $weight)))
    (local.set $kept (i32x4.splat (local.get $keep)))
    (local.set $end (i32.add (local.get $row) (local.get $count)))
    (local.set $height (i32.mul (local.get $height) (local.get $stride)))
    (block $done
      (loop $next
        (br_if $done (i32.ge_u (local.get $row) (local.get $end)))
        (local.set $low (v128.const i32x4 0 0 0 0))
        (local.set $high (v128.const i32x4 0 0 0 0))
        (local.set $at (local.get $row))
        (local.set $last (i32.add (local.get $row) (local.get $height)))
        (loop $below
          (local.set $vector (v128.load (local.get $at)))
          (local.set $low (i16x8.add (local.get $low) (i16x8.extend_low_i8x16_u (local.get $vector))))
          (local.set $high (i16x8.add (local.get $high) (i16x8.extend_high_i8x16_u (local.get $vector))))
          (local.set $at (i32.add (local.get $at) (local.get $stride)))
          (br_if $below (i32.lt_u (local.get $at) (local.get $last))))
        (v128.store (local.get $sums) (i16x8.add (v128.and (local.get $kept) (v128.load (local.get $sums)))
          (i16x8.mul (local.get $low) (local.get $factor))))
        (v128.store offset=16 (local.get $sums) (i16x8.add (v128.and (local.get $kept) (v128.load offset=16 (local.get $sums)))
          (i16x8.mul (local.get $high) (local.get $factor))))
        (local.set $row (i32.add (local.get $row) (i32.const 16)))
        (local.set $sums (i32.add (local.get $sums) (i32.const 32)))
        (br $next))))

  (func (export "addTwoSmall") (param $row i32) (param $weight i32) (param $other i32) (param $otherWeight i32) (param $count i32) (param $keep i32)
    (param $sums i32)
    (local $end i32) (local $one v128) (local $two v128) (local $kept v128) (local $a v128) (local $b v128)
    (local.set $one (i16x8.splat (local.get $weight)))
    (local.set $two (i16x8.splat (local.get $otherWeight)))
    (local.set $kept (i32x4.splat (local.get $keep)))
    (local.set $end (i32.add (local.get $row) (local.get $count)))
    (block $done
      (loop $next
        (br_if $done (i32.ge_u (local.get $row) (local.get $end)))
        (local.set $a (v128.load (local.get $row)))
        (local.set $b (v128.load (local.get $other)))
        (v128.store (local.get $sums) (i16x8.add (v128.and (local.get $kept) (v128.load (local.get $sums))) (i16x8.add
          (i16x8.mul (i16x8.extend_low_i8x16_u (local.get $a)) (local.get $one))
          (i16x8.mul (i16x8.extend_low_i8x16_u (local.get $b)) (local.get $two)))))
        (v128.store offset=16 (local.get $sums) (i16x8.add (v128.and (local.get $kept) (v128.load offset=16 (local.get $sums))) (i16x8.add
          (i16x8.mul (i16x8.extend_high_i8x16_u (local.get $a)) (local.get $one))
          (i16x8.mul (i16x8.extend_high_i8x16_u (local.get $b)) (local.get $two)))))
        (local.set $row (i32.add (local.get $row) (i32.const 16)))
        (local.set $other (i32.add (local.get $other) (i32.const 16)))
        (local.set $sums (i32.add (local.get $sums) (i32.const 32)))
        (br $next))))

  (func (export "foldSmall") (param $sums i32) (param $ends i32) (param $count i32) (param $whole i32) (param $out i32)
    (local $edge i32) (local $start i32) (local $end i32) (local $pixel v128) (local $sum v128) (local $rest v128) (local $wholes v128)
    (local.set $start (local.get $sums))
    (local.set $wholes (i32x4.splat (local.get $whole)))
    (local.set $end (i32.add (local.get $out) (i32.mul (local.get $count) (i32.const 12))))
    (block $done
      (loop $column
        (br_if $done (i32.ge_u (local.get $out) (local.get $end)))
        (local.set $edge (i32.add (local.get $start) (i32.load (local.get $ends))))
        (local.set $sum (v128.const i32x4 0 0 0 0))
        (block $inner
          (loop $pixel
            (br_if $inner (i32.ge_u (local.get $sums) (local.get $edge)))
            (local.set $sum (i32x4.add (local.get $sum) (i32x4.extend_low_i16x8_u (v128.load64_zero (local.get $sums)))))
            (local.set $sums (i32.add (local.get $sums) (i32.const 6)))
            (br $pixel)))
        (local.set $pixel (i32x4.extend_low_i16x8_u (v128.load64_zero (local.get $sums))))
        (local.set $sum (i32x4.add (local.get $rest)
          (i32x4.mul (local.get $wholes) (i32x4.add (local.get $sum) (local.get $pixel)))))
        (local.set $rest (i32x4.mul (local.get $pixel) (v128.load32_splat offset=4 (local.get $ends))))
        (v128.store (local.get $out) (i32x4.sub (local.get $sum) (local.get $rest)))
        (local.set $sums (i32.add (local.get $sums) (i32.const 6)))
        (local.set $ends (i32.add (local.get $ends) (i32.const 8)))
        (local.set $out (i32.add (local.get $out) (i32.const 12)))
        (br $column))))

  ;; In 32-bit floats, which at 2^23 are whole numbers. What they lose of a mean is less than 2^-14, and a mean with its bias is a quarter of a part or more from half-way
  ;; between two values: at most 4096 parts.
  (func (export "roundSmall") (param $sums i32) (param $count i32) (param $inverse f32) (param $bias f32) (param $out i32)
    (local $end i32) (local $factor v128) (local $add v128) (local $magic v128)
    (local.set $magic (f32x4.splat (f32.const 0x1p23)))
    (local.set $factor (f32x4.splat (local.get $inverse)))
    (local.set $add (f32x4.splat (local.get $bias)))
    (local.set $end (i32.add (local.get $out) (local.get $count)))
    (block $done
      (loop $next
        (br_if $done (i32.ge_u (local.get $out) (local.get $end)))
        (v128.store (local.get $out) (i8x16.shuffle 0 1 2 3 4 5 6 7 16 17 18 19 20 21 22 23
          (i8x16.shuffle 0 4 8 12 16 20 24 28 0 0 0 0 0 0 0 0
            (f32x4.add (local.get $magic) (f32x4.add (local.get $add) (f32x4.mul (local.get $factor)
              (f32x4.convert_i32x4_s (v128.load (local.get $sums))))))
            (f32x4.add (local.get $magic) (f32x4.add (local.get $add) (f32x4.mul (local.get $factor)
              (f32x4.convert_i32x4_s (v128.load offset=16 (local.get $sums)))))))
          (i8x16.shuffle 0 4 8 12 16 20 24 28 0 0 0 0 0 0 0 0
            (f32x4.add (local.get $magic) (f32x4.add (local.get $add) (f32x4.mul (local.get $factor)
              (f32x4.convert_i32x4_s (v128.load offset=32 (local.get $sums))))))
            (f32x4.add (local.get $magic) (f32x4.add (local.get $add) (f32x4.mul (local.get $factor)
              (f32x4.convert_i32x4_s (v128.load offset=48 (local.get $sums)))))))))
        (local.set $sums (i32.add (local.get $sums) (i32.const 64)))
        (local.set $out (i32.add (local.get $out) (i32.const 16)))
        (br $next))))

  ;; Of `count` pixels: how many are exactly white, exactly black, have a channel at 255, have one at 0. Adds to four 32-bit integers.
  (func (export "countExact") (param $rgb i32) (param $count i32) (param $counts i32)
    (local $a v128) (local $b v128) (local $c v128) (local $red v128) (local $green v128) (local $blue v128)
    (local $ones v128) (local $zeros v128) (local $high i32) (local $low i32) (local $white i32) (local $black i32) (local $valid i32)
    (local.set $ones (i8x16.splat (i32.const 255)))
    (block $done
      (loop $next
        (br_if $done (i32.le_s (local.get $count) (i32.const 0)))
        (local.set $a (v128.load (local.get $rgb)))
        (local.set $b (v128.load offset=16 (local.get $rgb)))
        (local.set $c (v128.load offset=32 (local.get $rgb)))
        ;; Most of a photograph has neither value anywhere.
        (if (v128.any_true (v128.or
            (v128.or
              (v128.or (i8x16.eq (local.get $a) (local.get $ones)) (i8x16.eq (local.get $b) (local.get $ones)))
              (v128.or (i8x16.eq (local.get $c) (local.get $ones)) (i8x16.eq (local.get $a) (local.get $zeros))))
            (v128.or (i8x16.eq (local.get $b) (local.get $zeros)) (i8x16.eq (local.get $c) (local.get $zeros)))))
          (then
            (local.set $valid (select (i32.const 0xffff)
              (i32.sub (i32.shl (i32.const 1) (local.get $count)) (i32.const 1))
              (i32.ge_s (local.get $count) (i32.const 16))))
            (local.set $red (i8x16.shuffle 0 1 2 3 4 5 6 7 8 9 10 17 20 23 26 29
              (i8x16.shuffle 0 3 6 9 12 15 18 21 24 27 30 0 0 0 0 0 (local.get $a) (local.get $b)) (local.get $c)))
            (local.set $green (i8x16.shuffle 0 1 2 3 4 5 6 7 8 9 10 18 21 24 27 30
              (i8x16.shuffle 1 4 7 10 13 16 19 22 25 28 31 0 0 0 0 0 (local.get $a) (local.get $b)) (local.get $c)))
            (local.set $blue (i8x16.shuffle 0 1 2 3 4 5 6 7 8 9 16 19 22 25 28 31
              (i8x16.shuffle 2 5 8 11 14 17 20 23 26 29 0 0 0 0 0 0 (local.get $a) (local.get $b)) (local.get $c)))
            (local.set $a (i8x16.max_u (i8x16.max_u (local.get $red) (local.get $green)) (local.get $blue)))
            (local.set $b (i8x16.min_u (i8x16.min_u (local.get $red) (local.get $green)) (local.get $blue)))
            (local.set $high (i32.add (local.get $high) (i32.popcnt (i32.and (local.get $valid)
              (i8x16.bitmask (i8x16.eq (local.get $a) (local.get $ones)))))))
            (local.set $low (i32.add (local.get $low) (i32.popcnt (i32.and (local.get $valid)
              (i8x16.bitmask (i8x16.eq (local.get $b) (local.get $zeros)))))))
            (local.set $white (i32.add (local.get $white) (i32.popcnt (i32.and (local.get $valid)
              (i8x16.bitmask (i8x16.eq (local.get $b) (local.get $ones)))))))
            (local.set $black (i32.add (local.get $black) (i32.popcnt (i32.and (local.get $valid)
              (i8x16.bitmask (i8x16.eq (local.get $a) (local.get $zeros)))))))))
        (local.set $rgb (i32.add (local.get $rgb) (i32.const 48)))
        (local.set $count (i32.sub (local.get $count) (i32.const 16)))
        (br $next)))
    (i32.store (local.get $counts) (i32.add (i32.load (local.get $counts)) (local.get $white)))
    (i32.store offset=4 (local.get $counts) (i32.add (i32.load offset=4 (local.get $counts)) (local.get $black)))
    (i32.store offset=8 (local.get $counts) (i32.add (i32.load offset=8 (local.get $counts)) (local.get $high)))
    (i32.store offset=12 (local.get $counts) (i32.add (i32.load offset=12 (local.get $counts)) (local.get $low))))

  (func $sum4 (param $lanes v128) (result f64)
    (f64.convert_i32_s (i32.add
      (i32.add (i32x4.extract_lane 0 (local.get $lanes)) (i32x4.extract_lane 1 (local.get $lanes)))
      (i32.add (i32x4.extract_lane 2 (local.get $lanes)) (i32x4.extract_lane 3 (local.get $lanes))))))

  (func $sum8 (param $lanes v128) (result f64)
    (call $sum4 (i32x4.extadd_pairwise_i16x8_s (local.get $lanes))))

  (func $sum2 (param $lanes v128) (result f64)
    (f64.add (f64x2.extract_lane 0 (local.get $lanes)) (f64x2.extract_lane 1 (local.get $lanes))))

  (func $sumLongs (param $lanes v128) (result f64)
    (f64.add (f64.convert_i64_s (i64x2.extract_lane 0 (local.get $lanes))) (f64.convert_i64_s (i64x2.extract_lane 1 (local.get $lanes)))))

  (func $add (param $to i32) (param $value f64)
    (f64.store (local.get $to) (f64.add (f64.load (local.get $to)) (local.get $value))))

  ;; What each of `count` pixels tells by itself, at most 8,192 of them. Writes their luma in thousandths as 32-bit integers, up to seven more
  ;; than there are pixels; adds to nine doubles: red less green and its squares, red plus green less twice blue and its squares, pixels
  ;; that are not nearly black, coloured pixels, saturation from 0 to 1 and its squares, vivid pixels; and to four histograms of 64 slots, one behind the other, whose
  ;; sum is the chroma of each hue. See working-measures.ts and hues.ts for what it all means.
  (func (export "walkColours") (param $rgb i32) (param $count i32) (param $luma i32) (param $sums i32) (param $hues i32)
    (local $a v128) (local $b v128) (local $red v128) (local $green v128) (local $blue v128) (local $valid v128) (local $zero v128)
    (local $redGreen v128) (local $yellowBlue v128) (local $largest v128) (local $chroma v128) (local $lit v128) (local $coloured v128)
    (local $isRed v128) (local $isGreen v128) (local $delta v128) (local $twice v128) (local $share v128) (local $slots v128)
    (local $redGreens v128) (local $redGreenSquares v128) (local $yellowBlues v128) (local $yellowBlueSquares v128)
    (local $lits v128) (local $coloureds v128) (local $vivids v128) (local $saturations v128) (local $saturationSquares v128)
    (local $hues1 i32) (local $hues2 i32) (local $hues3 i32) (local $slot i32)
    ;; Slots come out one too high, for floats just below 2^23 have halves.
    (local.set $hues (i32.sub (local.get $hues) (i32.const 4)))
    (local.set $hues1 (i32.add (local.get $hues) (i32.const 256)))
    (local.set $hues2 (i32.add (local.get $hues) (i32.const 512)))
    (local.set $hues3 (i32.add (local.get $hues) (i32.const 768)))
    (block $done
      (loop $next
        (br_if $done (i32.le_s (local.get $count) (i32.const 0)))
        ;; Eight pixels; one that is not there is black, which adds nothing to anything.
        (local.set $a (v128.load (local.get $rgb)))
        (local.set $b (v128.load64_zero offset=16 (local.get $rgb)))
        (local.set $valid (i16x8.gt_s (i16x8.splat (local.get $count)) (v128.const i16x8 0 1 2 3 4 5 6 7)))
        (local.set $red (v128.and (local.get $valid)
          (i8x16.shuffle 0 31 3 31 6 31 9 31 12 31 15 31 18 31 21 31 (local.get $a) (local.get $b))))
        (local.set $green (v128.and (local.get $valid)
          (i8x16.shuffle 1 31 4 31 7 31 10 31 13 31 16 31 19 31 22 31 (local.get $a) (local.get $b))))
        (local.set $blue (v128.and (local.get $valid)
          (i8x16.shuffle 2 31 5 31 8 31 11 31 14 31 17 31 20 31 23 31 (local.get $a) (local.get $b))))

        (v128.store (local.get $luma) (i32x4.add
          (i32x4.dot_i16x8_s (v128.const i16x8 299 587 299 587 299 587 299 587)
            (i8x16.shuffle 0 1 16 17 2 3 18 19 4 5 20 21 6 7 22 23 (local.get $red) (local.get $green)))
          (i32x4.dot_i16x8_s (v128.const i16x8 114 0 114 0 114 0 114 0)
            (i8x16.shuffle 0 1 16 17 2 3 18 19 4 5 20 21 6 7 22 23 (local.get $blue) (local.get $zero)))))
        (v128.store offset=16 (local.get $luma) (i32x4.add
          (i32x4.dot_i16x8_s (v128.const i16x8 299 587 299 587 299 587 299 587)
            (i8x16.shuffle 8 9 24 25 10 11 26 27 12 13 28 29 14 15 30 31 (local.get $red) (local.get $green)))
          (i32x4.dot_i16x8_s (v128.const i16x8 114 0 114 0 114 0 114 0)
            (i8x16.shuffle 8 9 24 25 10 11 26 27 12 13 28 29 14 15 30 31 (local.get $blue) (local.get $zero)))))

        (local.set $redGreen (i16x8.sub (local.get $red) (local.get $green)))
        (local.set $yellowBlue (i16x8.sub (i16x8.add (local.get $red) (local.get $green)) (i16x8.shl (local.get $blue) (i32.const 1))))
        (local.set $redGreens (i32x4.add (local.get $redGreens) (i32x4.extadd_pairwise_i16x8_s (local.get $redGreen))))
        (local.set $yellowBlues (i32x4.add (local.get $yellowBlues) (i32x4.extadd_pairwise_i16x8_s (local.get $yellowBlue))))
        (local.set $redGreenSquares (i32x4.add (local.get $redGreenSquares)
          (i32x4.dot_i16x8_s (local.get $redGreen) (local.get $redGreen))))
        (local.set $yellowBlueSquares (i32x4.add (local.get $yellowBlueSquares)
          (i32x4.dot_i16x8_s (local.get $yellowBlue) (local.get $yellowBlue))))

        (local.set $largest (i16x8.max_s (i16x8.max_s (local.get $red) (local.get $green)) (local.get $blue)))
        (local.set $chroma (i16x8.sub (local.get $largest)
          (i16x8.min_s (i16x8.min_s (local.get $red) (local.get $green)) (local.get $blue))))

        ;; Saturation: nothing over -1 where a pixel is nearly black.
        (local.set $lit (i16x8.ge_s (local.get $largest) (i16x8.splat (i32.const 8))))
        (local.set $lits (i16x8.sub (local.get $lits) (local.get $lit)))
        (local.set $a (v128.and (local.get $chroma) (local.get $lit)))
        (local.set $b (v128.or (local.get $largest) (v128.not (local.get $lit))))
        (if (v128.any_true (local.get $a))
          (then
            (local.set $share (f64x2.div
              (f64x2.convert_low_i32x4_s (i32x4.extend_low_i16x8_s (local.get $a)))
              (f64x2.convert_low_i32x4_s (i32x4.extend_low_i16x8_s (local.get $b)))))
            (local.set $saturations (f64x2.add (local.get $saturations) (local.get $share)))
            (local.set $saturationSquares (f64x2.add (local.get $saturationSquares) (f64x2.mul (local.get $share) (local.get $share))))
            (local.set $share (f64x2.div
              (f64x2.convert_low_i32x4_s (i32x4.extend_high_i16x8_s (local.get $a)))
              (f64x2.convert_low_i32x4_s (i32x4.extend_high_i16x8_s (local.get $b)))))
            (local.set $saturations (f64x2.add (local.get $saturations) (local.get $share)))
            (local.set $saturationSquares (f64x2.add (local.get $saturationSquares) (f64x2.mul (local.get $share) (local.get $share))))
            ;; The other two of each four.
            (local.set $a (i8x16.shuffle 4 5 6 7 0 1 2 3 12 13 14 15 8 9 10 11 (local.get $a) (local.get $a)))
            (local.set $b (i8x16.shuffle 4 5 6 7 0 1 2 3 12 13 14 15 8 9 10 11 (local.get $b) (local.get $b)))
            (local.set $share (f64x2.div
              (f64x2.convert_low_i32x4_s (i32x4.extend_low_i16x8_s (local.get $a)))
              (f64x2.convert_low_i32x4_s (i32x4.extend_low_i16x8_s (local.get $b)))))
            (local.set $saturations (f64x2.add (local.get $saturations) (local.get $share)))
            (local.set $saturationSquares (f64x2.add (local.get $saturationSquares) (f64x2.mul (local.get $share) (local.get $share))))
            (local.set $share (f64x2.div
              (f64x2.convert_low_i32x4_s (i32x4.extend_high_i16x8_s (local.get $a)))
              (f64x2.convert_low_i32x4_s (i32x4.extend_high_i16x8_s (local.get $b)))))
            (local.set $saturations (f64x2.add (local.get $saturations) (local.get $share)))
            (local.set $saturationSquares (f64x2.add (local.get $saturationSquares) (f64x2.mul (local.get $share) (local.get $share))))))

        (local.set $coloured (i16x8.ge_s (local.get $chroma) (i16x8.splat (i32.const 16))))
        (if (v128.any_true (local.get $coloured))
          (then
            (local.set $coloureds (i16x8.sub (local.get $coloureds) (local.get $coloured)))
            (local.set $vivids (i16x8.sub (local.get $vivids) (i16x8.ge_s (local.get $chroma) (i16x8.splat (i32.const 128)))))
            ;; Hue in bins: 36 / 6 times the difference of the other channels over chroma, from red's 0 (or 36), green's 12 or blue's 24. Twice that,
            ;; and half a bin more, over twice chroma: the half in the dividend is less than what parts it from the next multiple, and keeps the
            ;; quotient from falling short of a whole number.
            (local.set $isRed (i16x8.eq (local.get $largest) (local.get $red)))
            (local.set $isGreen (i16x8.eq (local.get $largest) (local.get $green)))
            (local.set $delta (v128.bitselect (i16x8.sub (local.get $green) (local.get $blue))
              (v128.bitselect (i16x8.sub (local.get $blue) (local.get $red)) (local.get $redGreen) (local.get $isGreen))
              (local.get $isRed)))
            (local.set $a (v128.bitselect
              (v128.bitselect (i16x8.splat (i32.const 73)) (i16x8.splat (i32.const 1)) (i16x8.lt_s (local.get $delta) (local.get $zero)))
              (v128.bitselect (i16x8.splat (i32.const 25)) (i16x8.splat (i32.const 49)) (local.get $isGreen))
              (local.get $isRed)))
            (local.set $twice (i16x8.add
              (i16x8.mul (local.get $delta) (i16x8.splat (i32.const 12)))
              (i16x8.mul (local.get $a) (local.get $chroma))))
            (local.set $b (i16x8.max_s (i16x8.shl (local.get $chroma) (i32.const 1)) (i16x8.splat (i32.const 1))))
            ;; Less half of its divisor the quotient lies within half of the whole number that it is rounded down to, and at 2^23 floats are whole.
            (local.set $twice (i16x8.sub (local.get $twice) (local.get $chroma)))
            (local.set $slots (i8x16.shuffle 0 1 4 5 8 9 12 13 16 17 20 21 24 25 28 29
              (f32x4.add (f32x4.splat (f32.const 8388609)) (f32x4.div
                (f32x4.add (f32x4.convert_i32x4_s (i32x4.extend_low_i16x8_s (local.get $twice))) (f32x4.splat (f32.const 0.5)))
                (f32x4.convert_i32x4_s (i32x4.extend_low_i16x8_s (local.get $b)))))
              (f32x4.add (f32x4.splat (f32.const 8388609)) (f32x4.div
                (f32x4.add (f32x4.convert_i32x4_s (i32x4.extend_high_i16x8_s (local.get $twice))) (f32x4.splat (f32.const 0.5)))
                (f32x4.convert_i32x4_s (i32x4.extend_high_i16x8_s (local.get $b)))))))
            (local.set $slots (i16x8.shl (local.get $slots) (i32.const 2)))
            (local.set $a (v128.and (local.get $chroma) (local.get $coloured)))
            ;; Four histograms in turn, so that a sum need not wait for the one before it.
            (local.set $slot (i32.add (local.get $hues) (i16x8.extract_lane_u 0 (local.get $slots))))
            (i32.store (local.get $slot) (i32.add (i32.load (local.get $slot)) (i16x8.extract_lane_u 0 (local.get $a))))
            (local.set $slot (i32.add (local.get $hues1) (i16x8.extract_lane_u 1 (local.get $slots))))
            (i32.store (local.get $slot) (i32.add (i32.load (local.get $slot)) (i16x8.extract_lane_u 1 (local.get $a))))
            (local.set $slot (i32.add (local.get $hues2) (i16x8.extract_lane_u 2 (local.get $slots))))
            (i32.store (local.get $slot) (i32.add (i32.load (local.get $slot)) (i16x8.extract_lane_u 2 (local.get $a))))
            (local.set $slot (i32.add (local.get $hues3) (i16x8.extract_lane_u 3 (local.get $slots))))
            (i32.store (local.get $slot) (i32.add (i32.load (local.get $slot)) (i16x8.extract_lane_u 3 (local.get $a))))
            (local.set $slot (i32.add (local.get $hues) (i16x8.extract_lane_u 4 (local.get $slots))))
            (i32.store (local.get $slot) (i32.add (i32.load (local.get $slot)) (i16x8.extract_lane_u 4 (local.get $a))))
            (local.set $slot (i32.add (local.get $hues1) (i16x8.extract_lane_u 5 (local.get $slots))))
            (i32.store (local.get $slot) (i32.add (i32.load (local.get $slot)) (i16x8.extract_lane_u 5 (local.get $a))))
            (local.set $slot (i32.add (local.get $hues2) (i16x8.extract_lane_u 6 (local.get $slots))))
            (i32.store (local.get $slot) (i32.add (i32.load (local.get $slot)) (i16x8.extract_lane_u 6 (local.get $a))))
            (local.set $slot (i32.add (local.get $hues3) (i16x8.extract_lane_u 7 (local.get $slots))))
            (i32.store (local.get $slot) (i32.add (i32.load (local.get $slot)) (i16x8.extract_lane_u 7 (local.get $a))))))

        (local.set $rgb (i32.add (local.get $rgb) (i32.const 24)))
        (local.set $luma (i32.add (local.get $luma) (i32.const 32)))
        (local.set $count (i32.sub (local.get $count) (i32.const 8)))
        (br $next)))
    (call $add (local.get $sums) (call $sum4 (local.get $redGreens)))
    (call $add (i32.add (local.get $sums) (i32.const 8)) (call $sumWide (local.get $redGreenSquares)))
    (call $add (i32.add (local.get $sums) (i32.const 16)) (call $sum4 (local.get $yellowBlues)))
    (call $add (i32.add (local.get $sums) (i32.const 24)) (call $sumWide (local.get $yellowBlueSquares)))
    (call $add (i32.add (local.get $sums) (i32.const 32)) (call $sum8 (local.get $lits)))
    (call $add (i32.add (local.get $sums) (i32.const 40)) (call $sum8 (local.get $coloureds)))
    (call $add (i32.add (local.get $sums) (i32.const 48)) (call $sum2 (local.get $saturations)))
    (call $add (i32.add (local.get $sums) (i32.const 56)) (call $sum2 (local.get $saturationSquares)))
    (call $add (i32.add (local.get $sums) (i32.const 64)) (call $sum8 (local.get $vivids))))

  ;; Four sums that together pass 32 bits.
  (func $sumWide (param $lanes v128) (result f64)
    (call $sumLongs (i64x2.add (i64x2.extend_low_i32x4_s (local.get $lanes)) (i64x2.extend_high_i32x4_s (local.get $lanes)))))

  ;; Luma and its Laplacian of `count` pixels, at most 8,192, that have neighbours on all sides. Pointers are to the first of them in three rows of 32-bit
  ;; integers. Adds to four doubles: luma, its squares, the Laplacian, its squares.
  (func (export "walkEdges") (param $above i32) (param $here i32) (param $below i32) (param $count i32) (param $sums i32)
    (local $valid v128) (local $middle v128) (local $laplacian v128)
    (local $lumas v128) (local $lumaSquares v128) (local $edges v128) (local $edgeSquares v128)
    (block $done
      (loop $next
        (br_if $done (i32.le_s (local.get $count) (i32.const 0)))
        (local.set $valid (i32x4.gt_s (i32x4.splat (local.get $count)) (v128.const i32x4 0 1 2 3)))
        (local.set $middle (v128.and (local.get $valid) (v128.load (local.get $here))))
        (local.set $laplacian (v128.and (local.get $valid) (i32x4.sub
          (i32x4.add
            (i32x4.add (v128.load (i32.sub (local.get $here) (i32.const 4))) (v128.load offset=4 (local.get $here)))
            (i32x4.add (v128.load (local.get $above)) (v128.load (local.get $below))))
          (i32x4.shl (local.get $middle) (i32.const 2)))))
        (local.set $lumas (i32x4.add (local.get $lumas) (local.get $middle)))
        (local.set $edges (i32x4.add (local.get $edges) (local.get $laplacian)))
        (local.set $lumaSquares (i64x2.add (local.get $lumaSquares) (i64x2.add
          (i64x2.extmul_low_i32x4_s (local.get $middle) (local.get $middle))
          (i64x2.extmul_high_i32x4_s (local.get $middle) (local.get $middle)))))
        (local.set $edgeSquares (i64x2.add (local.get $edgeSquares) (i64x2.add
          (i64x2.extmul_low_i32x4_s (local.get $laplacian) (local.get $laplacian))
          (i64x2.extmul_high_i32x4_s (local.get $laplacian) (local.get $laplacian)))))
        (local.set $above (i32.add (local.get $above) (i32.const 16)))
        (local.set $here (i32.add (local.get $here) (i32.const 16)))
        (local.set $below (i32.add (local.get $below) (i32.const 16)))
        (local.set $count (i32.sub (local.get $count) (i32.const 4)))
        (br $next)))
    (call $add (local.get $sums) (call $sumWide (local.get $lumas)))
    (call $add (i32.add (local.get $sums) (i32.const 8)) (call $sumLongs (local.get $lumaSquares)))
    (call $add (i32.add (local.get $sums) (i32.const 16)) (call $sumWide (local.get $edges)))
    (call $add (i32.add (local.get $sums) (i32.const 24)) (call $sumLongs (local.get $edgeSquares)))))
