import { expect, test } from 'vitest'
import { xxh3 } from './xxh3.ts'

// Lengths around every branch of the algorithm; the bytes are i * 7 + length. Values of another implementation.
test.each([
  [0, '2d06800538d394c2'],
  [1, 'e12ef9d2eb86ceeb'],
  [3, 'a9088dda485b481c'],
  [4, '57648c318a7a307e'],
  [8, 'b0fb3e3c3f94990a'],
  [9, '8aca5cb309437c2e'],
  [16, '2bd926d88792965a'],
  [17, '621f018aad19b14a'],
  [32, '8911535e799e4d99'],
  [33, 'b6d8b523db9b284c'],
  [64, '1b1bf114c7371f1b'],
  [65, 'f0037f8ac0441cc4'],
  [96, 'cfb21e0d09d8ef29'],
  [97, 'e1415ca7902a74da'],
  [128, 'e9549af9a74093e6'],
  [129, 'b54ad1cd8a4c84b9'],
  [200, '660156a92b43203f'],
  [240, '3e136902ec966624'],
  [241, 'bd7d29b6ba966d6a'],
  [256, 'ff5a1cefade75bb9'],
  [512, 'f6fe51471f2fa1ec'],
  [1024, 'dc5acf0b043c445b'],
  [1025, 'c856c953bbdbc807'],
  [1088, '1abb96b061cd5757'],
  [1089, '2a7e4e549f5cd12c'],
  [2048, '848d24cc268f7498'],
  [2049, '36bbe6219dfccda'],
  [10000, '70e90837a48aa18d'],
])('hashes %i bytes', (length, hash) => {
  const bytes = Buffer.alloc(length)
  for (let i = 0; i < length; i++) bytes[i] = i * 7 + length
  expect(xxh3(bytes).toString(16)).toBe(hash)
})
